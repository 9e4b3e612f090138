{{ config(unique_key='sla_policy_id') }}

with

landed as (

    {{ landed('sla_policies', softly=true) }}

)

select
    id as sla_policy_id,
    tenant_id,
    name,
    position,
    is_default,
    is_active,
    priority,
    channel,
    segment,
    calendar_id,
    first_reply_minutes,
    resolution_minutes,
    warn_before_minutes,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
