with

days as (

    select
        *,
        cast(recorded_date + 1 as timestamptz) as as_of_at
    from {{ ref('int_vehicle_windows') }}
    where reading_count > 0

),

services as (

    select
        vehicle_id,
        completed_at,
        max(odometer_km) as odometer_km
    from {{ ref('fct_work_orders') }}
    where status = 'done' and completed_at is not null and kind <> 'inspection' and not is_failure
    group by all

),

failures as (

    select
        vehicle_id,
        opened_at,
        count(*) over (partition by vehicle_id order by opened_at) as failure_number
    from {{ ref('fct_work_orders') }}
    where is_failure and status <> 'cancelled'

),

with_services as (

    select
        days.*,
        services.completed_at as serviced_at,
        services.odometer_km as serviced_odometer_km
    from days
    asof left join services on days.vehicle_id = services.vehicle_id and days.as_of_at > services.completed_at

),

with_failures as (

    select
        with_services.*,
        coalesce(past.failure_number, 0) - coalesce(long_past.failure_number, 0) as failures_365d,
        future.opened_at as next_failure_at
    from with_services
    asof left join failures as past
        on with_services.vehicle_id = past.vehicle_id and with_services.as_of_at > past.opened_at
    asof left join failures as long_past
        on
            with_services.vehicle_id = long_past.vehicle_id
            and with_services.as_of_at - interval 365 day > long_past.opened_at
    asof left join failures as future
        on with_services.vehicle_id = future.vehicle_id and with_services.as_of_at <= future.opened_at

)

select
    days.tenant_id,
    days.vehicle_id,
    days.as_of_at,
    days.reading_count as reading_count_24h,
    {%- for sensor in ['vibration', 'temperature', 'pressure', 'voltage', 'rpm'] %}
    {%- for window in ['mean_3h', 'mean_24h', 'sd_24h', 'mean_7d', 'delta_7d', 'slope_14d'] %}
    days.{{ sensor }}_{{ window }},
    {%- endfor %}
    {%- endfor %}
    days.error_count_24h,
    days.error_count_7d,
    days.odometer_km,
    days.km_7d,
    date_diff('day', vehicles.acquired_date, days.recorded_date + 1) as age_days,
    date_diff('day', {{ utc_date('days.serviced_at') }}, days.recorded_date + 1) as days_since_service,
    days.odometer_km - days.serviced_odometer_km as km_since_service,
    days.failures_365d,
    vehicles.kind,
    vehicles.make,
    vehicles.model,
    days.next_failure_at,
    clock.data_until_at as known_until_at
from with_failures as days
inner join {{ ref('dim_vehicles') }} as vehicles using (tenant_id, vehicle_id)
inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
