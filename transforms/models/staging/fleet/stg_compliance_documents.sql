{{ config(unique_key='document_id') }}

with

landed as (

    {{ landed('compliance_documents') }}

)

select
    id as document_id,
    tenant_id,
    vehicle_id,
    provider_id,
    kind,
    issued_date,
    expires_date,
    status,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
