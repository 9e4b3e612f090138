{{ config(unique_key='ticket_id') }}

with

landed as (

    {{ landed('tickets', softly=true) }}

)

select
    id as ticket_id,
    tenant_id,
    account_id,
    contact_id,
    job_id,
    priority,
    status,
    opened_at,
    first_response_at,
    resolved_at,
    satisfaction,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
