{{ config(unique_key='invoice_line_id') }}

with

landed as (

    {{ landed('invoice_lines') }}

)

select
    id as invoice_line_id,
    tenant_id,
    invoice_id,
    line_no,
    product_code,
    description,
    quantity,
    unit_price_cents,
    net_cents,
    cost_cents,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
