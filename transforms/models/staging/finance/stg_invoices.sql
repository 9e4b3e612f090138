{{ config(unique_key='invoice_id') }}

with

landed as (

    {{ landed('invoices') }}

)

select
    id as invoice_id,
    tenant_id,
    account_id,
    job_id,
    number,
    status,
    issued_at,
    due_date,
    paid_at,
    net_cents,
    tax_cents,
    total_cents,
    currency,
    is_return,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
