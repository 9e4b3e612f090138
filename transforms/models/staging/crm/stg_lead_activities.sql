{{ config(unique_key='lead_activity_id') }}

with

landed as (

    {{ landed('lead_activities', softly=true) }}

)

select
    id as lead_activity_id,
    tenant_id,
    lead_id,
    kind,
    direction,
    happened_at,
    duration_s,
    attributes,
    outcome,
    user_id,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
