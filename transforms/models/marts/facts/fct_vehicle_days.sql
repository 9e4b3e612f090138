{#-
    A day is stale when its number of rows or its newest load differs from what was summed here: whatever is added or
    changed brings a higher load, whatever leaves lowers the number. So an increment needs no memory of its own, finds
    late, moved and deleted readings alike, and counting 10 million readings by day takes 10 ms. (`not materialized`:
    DuckDB would keep a copy of whatever two steps read, and lose what it knows of the table.)
-#}
{%- set sensors = [
    'speed_kmh', 'rpm', 'temperature_c', 'vibration_mm_s', 'pressure_kpa', 'voltage_v', 'fuel_level_pct'
] -%}

{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='recorded_date',
        pre_hook="{% if is_incremental() %}
            delete from {{ this }} where recorded_date not in (
                select recorded_date from {{ ref('stg_telemetry') }}
                union
                select {{ utc_date('started_at') }} from {{ ref('stg_trips') }}
            )
        {% endif %}",
    )
}}

with

all_readings as not materialized (

    select * from {{ ref('stg_telemetry') }}

),

all_trips as not materialized (

    select *, {{ utc_date('started_at') }} as recorded_date from {{ ref('stg_trips') }}

),

{% if is_incremental() %}

staged as (

    select
        recorded_date,
        coalesce(reading_count, 0) as reading_count,
        coalesce(trip_count, 0) as trip_count,
        readings_load,
        trips_load
    from (select recorded_date, count(*) as reading_count, max(_load) as readings_load from all_readings group by all)
    full join (select recorded_date, count(*) as trip_count, max(_load) as trips_load from all_trips group by all)
        using (recorded_date)

),

built as (

    select
        recorded_date,
        sum(reading_count) as reading_count,
        sum(trip_count) as trip_count,
        max(_readings_load) as readings_load,
        max(_trips_load) as trips_load
    from {{ this }}
    group by all

),

stale as materialized (

    select recorded_date from (from staged except from built)

),

{% endif %}

readings as {{ 'not materialized' if not is_incremental() }} (

    select * from all_readings
    {% if is_incremental() %} where recorded_date in (select recorded_date from stale) {% endif %}

),

trips as (

    select * from all_trips
    {% if is_incremental() %} where recorded_date in (select recorded_date from stale) {% endif %}

),

last_readings as (

    select
        vehicle_id,
        recorded_date,
        max(recorded_at) as last_recorded_at
    from readings
    group by all

),

reading_days as (

    select
        readings.tenant_id,
        vehicle_id,
        recorded_date,
        count(*) as reading_count,
        min(recorded_at) as first_recorded_at,
        any_value(last_recorded_at) as last_recorded_at,
        count(error_code) as error_count,
        {%- for sensor in sensors %}
        {{ exact_summary(sensor, 'recorded_at > last_recorded_at - interval 3 hours') }},
        {%- endfor %}
        max(odometer_km) as odometer_km,
        cast((max(odometer_km) - min(odometer_km)) * 1000 as bigint) / 1000 as odometer_distance_km,
        max(_load) as _readings_load
    from readings
    inner join last_readings using (vehicle_id, recorded_date)
    group by all

),

trip_days as (

    select
        tenant_id,
        vehicle_id,
        recorded_date,
        count(*) as trip_count,
        sum(cast(distance_km * 1000 as bigint)) / 1000 as trip_distance_km,
        max(_load) as _trips_load
    from trips
    group by all

)

select
    tenant_id,
    vehicle_id,
    recorded_date,
    coalesce(reading_count, 0) as reading_count,
    reading_days.* exclude (tenant_id, vehicle_id, recorded_date, reading_count, _readings_load)
        replace (coalesce(error_count, 0) as error_count),
    coalesce(trip_count, 0) as trip_count,
    trip_distance_km,
    coalesce(trip_distance_km, odometer_distance_km) as distance_km,
    _readings_load,
    _trips_load
from reading_days
full join trip_days using (tenant_id, vehicle_id, recorded_date)
