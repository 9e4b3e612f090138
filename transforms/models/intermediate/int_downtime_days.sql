{#- Hours are spread evenly from the start of the repair to its end, so a repair over New Year counts in both years. -#}
with

work_orders as (

    select
        orders.tenant_id,
        orders.work_order_id,
        orders.vehicle_id,
        orders.kind in ('preventive', 'inspection') and not orders.is_failure as is_planned,
        orders.downtime_h,
        -- A failure stops the vehicle at once, other work when it begins.
        case
            when orders.is_failure then orders.opened_at else coalesce(orders.started_at, orders.opened_at)
        end as started_at,
        coalesce(orders.completed_at, clock.data_until_at) as ended_at
    from {{ ref('fct_work_orders') }} as orders
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    where orders.status in ('in_progress', 'done')

),

lasting as (

    select * replace (greatest(ended_at, started_at) as ended_at)
    from work_orders
    -- A source that notes one moment for begin and end says nothing of the time between.
    where downtime_h is not null or ended_at > started_at

),

days as (

    select
        *,
        cast(
            unnest(generate_series({{ utc_date('started_at') }}, {{ utc_date('ended_at') }}, interval 1 day)) as date
        ) as date
    from lasting

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
    coalesce(downtime_h, repair_s / 3600)
    * case when repair_s = 0 then 1 else repair_today_s / repair_s end as downtime_h
from repair_days
where repair_today_s > 0 or repair_s = 0
