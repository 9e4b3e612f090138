{#-
    What the sensors said over the days up to each day with readings. Sums are of whole numbers (values held to 0.0001
    of their unit), so that an increment and a full build give the same bits.

    An increment looks for days whose readings or trips differ from what was summed here, and makes those days and the
    thirteen after them anew: the longest window reaches no further.
-#}
{%- set sensors = {
    'vibration': 'vibration_mm_s',
    'temperature': 'temperature_c',
    'pressure': 'pressure_kpa',
    'voltage': 'voltage_v',
    'rpm': 'rpm',
} -%}

{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='recorded_date',
        pre_hook="{% if is_incremental() %}
            delete from {{ this }} where recorded_date not in (select recorded_date from {{ ref('fct_vehicle_days') }})
        {% endif %}",
    )
}}

with

{% if is_incremental() -%}

current_days as (

    select
        recorded_date,
        sum(reading_count) as reading_count,
        max(_readings_load) as readings_load,
        max(_trips_load) as trips_load
    from {{ ref('fct_vehicle_days') }}
    group by all

),

built_days as (

    select
        recorded_date,
        sum(reading_count) as reading_count,
        max(_readings_load) as readings_load,
        max(_trips_load) as trips_load
    from {{ this }}
    group by all

),

stale as materialized (

    select distinct recorded_date + cast(unnest(generate_series(0, 13)) as integer) as recorded_date
    from (from current_days except from built_days)

),

{%- endif %}

days as (

    select
        *,
        date_diff('day', date '2000-01-01', recorded_date) as day_number,
        cast(round(distance_km * 1000) as bigint) as distance_m,
        {%- for sensor, column in sensors.items() %}
        cast(round({{ column }}_mean * 10000) as bigint) as {{ sensor }},
        case when {{ column }}_mean is not null then day_number end as {{ sensor }}_day{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_vehicle_days') }}
    {% if is_incremental() -%}
    where recorded_date >= (select min(recorded_date) - 13 from stale)
        and recorded_date <= (select max(recorded_date) from stale)
    {%- endif %}

),

sums as (

    select
        *,
        sum(error_count) over days_7 as error_count_7d,
        sum(distance_m) over days_7 as distance_m_7d,
        {%- for sensor, column in sensors.items() %}
        sum({{ sensor }} * {{ column }}_count) over days_7 as {{ sensor }}_sum_7d,
        sum({{ column }}_count) over days_7 as {{ sensor }}_count_7d,
        count({{ sensor }}) over days_14 as {{ sensor }}_n,
        sum({{ sensor }}_day) over days_14 as {{ sensor }}_x,
        sum({{ sensor }}) over days_14 as {{ sensor }}_y,
        sum({{ sensor }} * {{ sensor }}_day) over days_14 as {{ sensor }}_xy,
        sum({{ sensor }}_day * {{ sensor }}_day) over days_14 as {{ sensor }}_xx{{ "," if not loop.last }}
        {%- endfor %}
    from days
    window
        days_7 as (
            partition by vehicle_id order by recorded_date range between interval 6 days preceding and current row
        ),
        days_14 as (
            partition by vehicle_id order by recorded_date range between interval 13 days preceding and current row
        )

)

select
    tenant_id,
    vehicle_id,
    recorded_date,
    reading_count,
    {%- for sensor, column in sensors.items() %}
    {{ column }}_mean_3h as {{ sensor }}_mean_3h,
    {{ column }}_mean as {{ sensor }}_mean_24h,
    {{ column }}_sd as {{ sensor }}_sd_24h,
    {{ sensor }}_sum_7d / nullif({{ sensor }}_count_7d, 0) / 10000 as {{ sensor }}_mean_7d,
    {{ column }}_mean - {{ sensor }}_sum_7d / nullif({{ sensor }}_count_7d, 0) / 10000 as {{ sensor }}_delta_7d,
    ({{ sensor }}_n * {{ sensor }}_xy - {{ sensor }}_x * {{ sensor }}_y)
    / nullif({{ sensor }}_n * {{ sensor }}_xx - {{ sensor }}_x * {{ sensor }}_x, 0) / 10000 as {{ sensor }}_slope_14d,
    {%- endfor %}
    cast(error_count as bigint) as error_count_24h,
    cast(error_count_7d as bigint) as error_count_7d,
    odometer_km,
    distance_m_7d / 1000 as km_7d,
    _readings_load,
    _trips_load
from sums
{% if is_incremental() -%}
where recorded_date in (select recorded_date from stale)
{%- endif %}
