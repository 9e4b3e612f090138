with

clock as (

    select * from {{ ref('int_identity_clock') }}

),

days as (

    select
        tenant_id,
        date,
        date >= first_active_date as is_use_known
    from (
        select
            tenant_id,
            first_active_date,
            cast(unnest(generate_series(data_from_date, data_until_date, interval 1 day)) as date) as date
        from clock
    )

),

seats as (

    select
        tenant_id,
        user_id,
        from_date,
        coalesce(until_date, date '9999-12-31') as until_date,
        state
    from {{ ref('int_seat_periods') }}
    where state in ('active', 'suspended') and role <> 'customer'

),

-- A day at work uses the seat for 28 days, or until the next such day, from which on that one does.
used as (

    select
        seats.tenant_id,
        greatest(seats.from_date, days.date) as from_date,
        least(seats.until_date, days.date + 28, days.next_date) as until_date
    from seats
    inner join {{ ref('int_people_days') }} as days
        on seats.tenant_id = days.tenant_id
            and seats.user_id = days.user_id
            and days.date < seats.until_date
            and seats.from_date < least(days.date + 28, days.next_date)
    where seats.state = 'active'

),

periods as (

    select
        tenant_id,
        from_date,
        until_date,
        state as measure
    from seats
    union all
    select
        tenant_id,
        from_date,
        until_date,
        'used' as measure
    from used

),

changes as (

    select
        tenant_id,
        from_date as date,
        measure,
        1 as amount
    from periods
    union all
    select
        tenant_id,
        until_date as date,
        measure,
        -1 as amount
    from periods

),

daily as (

    select
        tenant_id,
        date,
        sum(amount) filter (where measure = 'active') as seat_count,
        sum(amount) filter (where measure = 'suspended') as suspended_count,
        sum(amount) filter (where measure = 'used') as used_count
    from changes
    group by all

),

running as (

    select
        days.tenant_id,
        days.date,
        days.is_use_known,
        cast(sum(coalesce(daily.seat_count, 0)) over to_here as bigint) as seat_count,
        cast(sum(coalesce(daily.suspended_count, 0)) over to_here as bigint) as suspended_count,
        cast(sum(coalesce(daily.used_count, 0)) over to_here as bigint) as used_count
    from days
    left join daily on days.tenant_id = daily.tenant_id and days.date = daily.date
    window to_here as (partition by days.tenant_id order by days.date)

)

select
    tenant_id,
    date,
    seat_count,
    suspended_count,
    case when is_use_known then used_count end as used_count,
    case when is_use_known then seat_count - used_count end as unused_count,
    case when is_use_known then used_count / nullif(seat_count, 0) end as used_share
from running
