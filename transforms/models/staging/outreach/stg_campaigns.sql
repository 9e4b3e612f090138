{{ config(unique_key='campaign_id') }}

with

landed as (

    {{ landed('campaigns') }}

)

select
    id as campaign_id,
    tenant_id,
    name,
    channel,
    status,
    cost_cents,
    currency,
    started_at,
    ended_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
