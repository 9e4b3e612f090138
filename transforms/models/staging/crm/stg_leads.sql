{{ config(unique_key='lead_id') }}

with

landed as (

    {{ landed('leads', softly=true) }}

)

select
    id as lead_id,
    tenant_id,
    account_id,
    campaign_id,
    company,
    source,
    status,
    cost_cents,
    currency,
    value_cents,
    first_replied_at,
    won_at,
    lost_at,
    snapshot_date,
    attributes,
    created_at,
    zone_id,
    owner_id,
    contacted_at,
    qualified_at,
    converted_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
