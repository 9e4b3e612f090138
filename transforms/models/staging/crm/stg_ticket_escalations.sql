{{ config(unique_key='escalation_id') }}

with

landed as (

    {{ landed('ticket_escalations') }}

)

select
    id as escalation_id,
    tenant_id,
    ticket_id,
    clock,
    level,
    due_at,
    told_at,
    told_count,
    reopened_count,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
