with

entries as (

    select
        tenant_id,
        issued_date as date,
        'sales' as category,
        revenue_cents,
        null as cost_cents
    from {{ ref('int_invoice_amounts') }}

    union all

    select tenant_id, date, category, null as revenue_cents, amount_cents as cost_cents
    from {{ ref('fct_costs') }}

),

daily as (

    select
        tenant_id,
        date,
        category,
        coalesce(sum(revenue_cents), 0) as revenue_cents,
        sum(cost_cents) as cost_cents
    from entries
    group by all

),

-- A tenant that records no cost at all has an unknown margin, not a perfect one.
known as (

    select
        * exclude (cost_cents),
        {{ zero_when_known('cost_cents', ['tenant_id']) }} as cost_cents
    from daily

)

select
    tenant_id,
    date,
    category,
    cast(revenue_cents as bigint) as revenue_cents,
    cast(cost_cents as bigint) as cost_cents,
    cast(revenue_cents - cost_cents as bigint) as margin_cents
from known
