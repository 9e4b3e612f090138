{{ config(materialized='table') }}

with

line_costs as (

    select
        tenant_id,
        invoice_id,
        sum(sold_cost_cents) as cost_cents
    from {{ ref('fct_invoice_lines') }}
    group by all

)

select
    invoices.tenant_id,
    invoices.invoice_id,
    invoices.account_id,
    invoices.issued_at,
    invoices.issued_date,
    invoices.is_return,
    invoices.revenue_cents,
    cast(coalesce(line_costs.cost_cents, 0) as bigint) as cost_cents
from {{ ref('fct_invoices') }} as invoices
left join line_costs using (tenant_id, invoice_id)
where invoices.is_billed
