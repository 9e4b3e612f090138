with

revenue as (

    select
        tenant_id,
        issued_date as date,
        sum(revenue_cents) as revenue_cents
    from {{ ref('int_invoice_amounts') }}
    group by all

),

first_days as (

    select tenant_id, min(date) as first_date
    from revenue
    group by tenant_id

)

select
    days.tenant_id,
    days.date,
    cast(coalesce(revenue.revenue_cents, 0) as bigint) as revenue_cents
from {{ ref('int_tenant_days') }} as days
inner join first_days on days.tenant_id = first_days.tenant_id and days.date >= first_days.first_date
left join revenue on days.tenant_id = revenue.tenant_id and days.date = revenue.date
