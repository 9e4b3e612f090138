{#- When each account is looked at: the month ends of its life and the tenant's last known day; a snapshot once. -#}
with

clock as (

    select * from {{ ref('int_tenant_clock') }}

),

known_days as (

    select tenant_id, date
    from {{ ref('int_tenant_days') }}
    inner join clock using (tenant_id)
    where date = cast(last_day(date) as date) or date = data_until_date

)

select
    lifetimes.tenant_id,
    lifetimes.account_id,
    days.date as as_of_date,
    lifetimes.started_date,
    lifetimes.churned_at,
    false as is_snapshot
from {{ ref('int_account_lifetimes') }} as lifetimes
inner join known_days as days
    on
        lifetimes.tenant_id = days.tenant_id
        and lifetimes.started_date <= days.date
        and (lifetimes.churned_at is null or lifetimes.churned_at >= cast(days.date + 1 as timestamptz))
where not lifetimes.is_snapshot

union all

select
    tenant_id,
    account_id,
    snapshot_date as as_of_date,
    null as started_date,
    null as churned_at,
    true as is_snapshot
from {{ ref('dim_accounts') }}
where snapshot_date is not null
