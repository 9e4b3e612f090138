{{ config(unique_key='campaign_event_id') }}

with

landed as (

    {{ landed('campaign_events') }}

)

select
    id as campaign_event_id,
    tenant_id,
    campaign_id,
    lead_id,
    contact_id,
    kind,
    happened_at,
    value_cents,
    variant,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
