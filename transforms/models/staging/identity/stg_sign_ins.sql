{{ config(unique_key='sign_in_id') }}

with

landed as (

    {{ landed('sign_ins') }}

)

select
    id as sign_in_id,
    tenant_id,
    user_id,
    happened_at,
    outcome,
    method,
    kind,
    country,
    device,
    created_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
