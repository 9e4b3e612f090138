{{ config(unique_key='quote_id') }}

with

landed as (

    {{ landed('quotes', softly=true) }}

)

select
    id as quote_id,
    tenant_id,
    account_id,
    job_id,
    status,
    total_cents,
    currency,
    sent_at,
    decided_at,
    created_at,
    version,
    sent_version,
    accepted_version,
    expires_at,
    decided_by,
    converted_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
