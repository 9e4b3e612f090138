with

first_events as (

    select tenant_id, account_id, min(requested_date) as first_date
    from {{ ref('fct_jobs') }}
    where account_id is not null
    group by all

    union all

    select tenant_id, account_id, min(issued_date) as first_date
    from {{ ref('int_invoice_amounts') }}
    group by all

),

firsts as (

    select tenant_id, account_id, min(first_date) as first_date
    from first_events
    group by all

)

select
    accounts.tenant_id,
    accounts.account_id,
    accounts.snapshot_date is not null as is_snapshot,
    case
        when accounts.snapshot_date is not null
            then case when accounts.status = 'active' then accounts.snapshot_date end
        else coalesce(accounts.since_date, firsts.first_date)
    end as started_date,
    case when accounts.snapshot_date is null then accounts.churned_at end as churned_at
from {{ ref('dim_accounts') }} as accounts
left join firsts using (tenant_id, account_id)
