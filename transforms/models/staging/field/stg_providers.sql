{{ config(unique_key='provider_id') }}

with

landed as (

    {{ landed('providers') }}

)

select
    id as provider_id,
    tenant_id,
    kind,
    zone_id,
    skills,
    hourly_cost_cents,
    rating,
    is_active,
    hired_date,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
