select
    sla_policy_id,
    tenant_id,
    name,
    is_default,
    is_active,
    priority,
    channel,
    segment,
    calendar_id is not null as is_by_calendar,
    first_reply_minutes,
    resolution_minutes,
    warn_before_minutes
from {{ ref('stg_sla_policies') }}
