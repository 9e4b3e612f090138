{{ config(unique_key='payment_id') }}

with

landed as (

    {{ landed('payments') }}

)

select
    id as payment_id,
    tenant_id,
    invoice_id,
    account_id,
    method,
    status,
    amount_cents,
    currency,
    paid_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
