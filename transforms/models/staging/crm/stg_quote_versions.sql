{{ config(unique_key='quote_version_id') }}

with

landed as (

    {{ landed('quote_versions') }}

)

select
    id as quote_version_id,
    tenant_id,
    quote_id,
    account_id,
    version,
    total_cents,
    currency,
    sent_at,
    expires_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
