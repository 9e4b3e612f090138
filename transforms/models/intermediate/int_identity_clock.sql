with

known as (

    select
        tenant_id,
        min(date) as first_date,
        min(date) as first_active_date,
        max(date) as last_date
    from {{ ref('int_people_days') }}
    group by tenant_id
    union all
    select
        tenant_id,
        min(from_date) as first_date,
        null as first_active_date,
        max(from_date) as last_date
    from {{ ref('int_seat_periods') }}
    group by tenant_id
    union all
    select
        tenant_id,
        min({{ utc_date('created_at') }}) as first_date,
        null as first_active_date,
        max(greatest({{ utc_date('created_at') }}, {{ utc_date('accepted_at') }}, {{ utc_date('revoked_at') }}))
            as last_date
    from {{ ref('stg_invitations') }}
    group by tenant_id

)

select
    known.tenant_id,
    min(known.first_date) as data_from_date,
    min(known.first_active_date) as first_active_date,
    greatest(max(known.last_date), max(clock.data_until_date)) as data_until_date
from known
left join {{ ref('int_tenant_clock') }} as clock on known.tenant_id = clock.tenant_id
group by known.tenant_id
