with

invoices as (

    select invoices.*
    from {{ ref('int_invoice_amounts') }} as invoices
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    where invoices.issued_at > clock.data_until_at - interval 365 day

),

-- Without a single cost of sales the margin is unknown, not whole.
costed_tenants as (

    select distinct tenant_id
    from {{ ref('fct_costs') }}
    where category = 'sales'

),

clients as (

    select
        tenant_id,
        account_id,
        sum(revenue_cents) as revenue_cents,
        sum(cost_cents) as cost_cents,
        count(*) filter (where not is_return) as invoice_count,
        -coalesce(sum(revenue_cents) filter (where is_return), 0) as return_cents
    from invoices
    where account_id is not null
    group by all
    having sum(revenue_cents) > 0

)

select
    clients.tenant_id,
    clients.account_id,
    row_number() over (
        partition by clients.tenant_id order by clients.revenue_cents desc, clients.account_id
    ) as rank,
    cast(clients.revenue_cents as bigint) as revenue_cents,
    cast(
        case
            when clients.tenant_id in (select tenant_id from costed_tenants)
                then clients.revenue_cents - clients.cost_cents
        end as bigint
    ) as margin_cents,
    clients.invoice_count,
    cast(clients.return_cents as bigint) as return_cents,
    clients.revenue_cents / sum(clients.revenue_cents) over (partition by clients.tenant_id) as share_of_revenue,
    accounts.account_name,
    accounts.segment
from clients
inner join {{ ref('dim_accounts') }} as accounts using (tenant_id, account_id)
