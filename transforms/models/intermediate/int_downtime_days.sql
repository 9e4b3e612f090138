{#- Hours are spread evenly from the start of the repair to its end, so a repair over New Year counts in both years. -#}
with

work_orders as (

    select
        orders.tenant_id,
        orders.work_order_id,
        orders.vehicle_id,
        orders.kind in ('preventive', 'inspection') and not orders.is_failure as is_planned,
        orders.downtime_h,
        coalesce(orders.started_at, orders.opened_at) as started_at,
        greatest(
            coalesce(orders.completed_at, clock.data_until_at),
            coalesce(orders.started_at, orders.opened_at)
        ) as ended_at
    from {{ ref('fct_work_orders') }} as orders
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    where
        orders.status in ('in_progress', 'done')
        or (orders.status = 'open' and orders.is_failure)

),

days as (

    select
        *,
        cast(
            unnest(generate_series({{ utc_date('started_at') }}, {{ utc_date('ended_at') }}, interval 1 day)) as date
        ) as date
    from work_orders

),

repair_days as (

    select
        *,
        date_diff('second', started_at, ended_at) as repair_s,
        date_diff(
            'second',
            greatest(started_at, cast(date as timestamptz)),
            least(ended_at, cast(date + 1 as timestamptz))
        ) as repair_today_s
    from days

)

select
    tenant_id,
    work_order_id,
    vehicle_id,
    date,
    is_planned,
    coalesce(downtime_h, repair_s / 3600) * case when repair_s = 0 then 1 else repair_today_s / repair_s end as downtime_h
from repair_days
where repair_today_s > 0 or repair_s = 0
