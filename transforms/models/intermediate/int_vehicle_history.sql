{#-
    An increment makes anew the days whose odometer, or whose vehicle's work orders, are not those of the last build.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='(tenant_id, vehicle_id, recorded_date)',
        pre_hook="{% if is_incremental() %}
            delete from {{ this }} where (tenant_id, vehicle_id, recorded_date) not in (
                select (tenant_id, vehicle_id, recorded_date) from {{ ref('int_vehicle_windows') }} where reading_count > 0
            )
        {% endif %}",
    )
}}

with

orders as (

    select
        vehicle_id,
        bit_xor(hash(work_order_id, kind, status, is_failure, opened_at, completed_at, odometer_km)) as _orders
    from {{ ref('fct_work_orders') }}
    group by all

),

all_days as (

    select
        windows.tenant_id,
        windows.vehicle_id,
        windows.recorded_date,
        windows.odometer_km,
        coalesce(orders._orders, 0) as _orders
    from {{ ref('int_vehicle_windows') }} as windows
    left join orders using (vehicle_id)
    where windows.reading_count > 0

),

days as (

    select
        *,
        cast(recorded_date + 1 as timestamptz) as as_of_at
    from all_days
    {% if is_incremental() -%}
    anti join {{ this }} as built
        on
            all_days.tenant_id = built.tenant_id
            and all_days.vehicle_id = built.vehicle_id
            and all_days.recorded_date = built.recorded_date
            and all_days.odometer_km is not distinct from built._odometer_km
            and all_days._orders = built._orders
    {%- endif %}

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

failure_moments as (

    select
        vehicle_id,
        opened_at,
        count(*) as failure_count
    from {{ ref('fct_work_orders') }}
    where is_failure and status <> 'cancelled'
    group by all

),

failures as (

    select
        vehicle_id,
        opened_at,
        sum(failure_count) over to_here as failure_number,
        lead(opened_at) over to_here as next_opened_at
    from failure_moments
    window to_here as (partition by vehicle_id order by opened_at)

),

firsts as (

    select vehicle_id, min(opened_at) as opened_at
    from failures
    group by all

)

select
    days.tenant_id,
    days.vehicle_id,
    days.recorded_date,
    date_diff('day', {{ utc_date('services.completed_at') }}, days.recorded_date + 1) as days_since_service,
    days.odometer_km - services.odometer_km as km_since_service,
    cast(coalesce(past.failure_number, 0) - coalesce(long_past.failure_number, 0) as bigint) as failures_365d,
    case when past.opened_at is null then firsts.opened_at else past.next_opened_at end as next_failure_at,
    days.odometer_km as _odometer_km,
    days._orders
from days
asof left join services on days.vehicle_id = services.vehicle_id and days.as_of_at > services.completed_at
asof left join failures as past on days.vehicle_id = past.vehicle_id and days.as_of_at > past.opened_at
asof left join failures as long_past
    on days.vehicle_id = long_past.vehicle_id and days.as_of_at - interval 365 day > long_past.opened_at
left join firsts on days.vehicle_id = firsts.vehicle_id
