with

lines as (

    select * exclude (_source, _load, _change_xid, _deleted) from {{ ref('stg_invoice_lines') }}

),

invoices as (

    select tenant_id, invoice_id, account_id, job_id, issued_at, issued_date, status, is_return, is_billed, currency
    from {{ ref('fct_invoices') }}

),

joined as (

    select
        lines.*,
        invoices.* exclude (tenant_id, invoice_id),
        case when not is_billed then 0 when is_return then -1 else 1 end as sign
    from lines
    inner join invoices using (tenant_id, invoice_id)

)

select
    * exclude (sign),
    case sign when -1 then -abs(net_cents) else sign * net_cents end as revenue_cents,
    case sign when -1 then -abs(cost_cents) else sign * cost_cents end as sold_cost_cents,
    revenue_cents - sold_cost_cents as margin_cents
from joined
