{{ config(unique_key='change_id') }}

with

landed as (

    {{ landed('ticket_status_changes') }}

)

select
    id as change_id,
    tenant_id,
    ticket_id,
    status,
    changed_at,
    changed_by,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
