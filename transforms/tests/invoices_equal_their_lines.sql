-- The net amount of an invoice that came with lines is the sum of them. A warning: the arithmetic is the source's own,
-- and one wrong invoice, or one quarantined line, must not hold back everybody's release.
{{ config(severity='warn') }}

select
    invoice_id,
    any_value(invoices.net_cents) as invoice_cents,
    sum(lines.net_cents) as lines_cents
from {{ ref('fct_invoices') }} as invoices
inner join {{ ref('fct_invoice_lines') }} as lines using (tenant_id, invoice_id)
group by all
having invoice_cents <> lines_cents
