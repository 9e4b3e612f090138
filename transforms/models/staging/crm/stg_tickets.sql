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
    channel,
    assignee_id,
    closed_at,
    reopened_count,
    sla_policy_id,
    first_reply_due_at,
    resolution_due_at,
    first_reply_breached_at,
    resolution_breached_at,
    merged_into_id,
    satisfaction_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
