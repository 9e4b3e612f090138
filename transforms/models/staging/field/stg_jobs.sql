{{ config(unique_key='job_id') }}

with

landed as (

    {{ landed('jobs') }}

)

select
    id as job_id,
    tenant_id,
    account_id,
    provider_id,
    zone_id,
    service,
    channel,
    status,
    requested_at,
    due_at,
    assigned_at,
    started_at,
    completed_at,
    cancelled_at,
    price_cents,
    cost_cents,
    currency,
    rating,
    is_late,
    latitude,
    longitude,
    attributes,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
