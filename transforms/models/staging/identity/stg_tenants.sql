{{ config(unique_key='tenant_id') }}

with

landed as (

    {{ landed('tenants') }}

)

select
    id as tenant_id,
    slug,
    name,
    kind,
    parent_id,
    country,
    timezone,
    currency,
    is_simulated,
    data_from,
    data_until,
    failure_horizon_h,
    created_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
