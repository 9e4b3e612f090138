{{ config(unique_key='contact_id') }}

with

landed as (

    {{ landed('contacts') }}

)

select
    id as contact_id,
    tenant_id,
    account_id,
    job_title,
    consent_email,
    attributes,
    created_at,
    deleted_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
