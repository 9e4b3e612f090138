with

in_service as (

    select
        lifetimes.tenant_id,
        lifetimes.vehicle_id,
        greatest(lifetimes.joined_date, clock.data_from_date) as first_date,
        least(coalesce(lifetimes.retired_date, clock.data_until_date), clock.data_until_date) as last_date
    from {{ ref('int_vehicle_lifetimes') }} as lifetimes
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    where lifetimes.joined_date is not null

),

months as (

    select
        *,
        cast(unnest(generate_series(date_trunc('month', first_date), last_date, interval 1 month)) as date) as month
    from in_service
    where first_date <= last_date

)

select
    tenant_id,
    vehicle_id,
    month,
    24 * (
        1 + date_diff('day', greatest(first_date, month), least(last_date, cast(last_day(month) as date)))
    ) as in_service_h
from months
