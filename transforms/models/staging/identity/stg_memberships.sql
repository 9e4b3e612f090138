{{ config(unique_key='membership_id') }}

with

landed as (

    {{ landed('memberships') }}

)

select
    id as membership_id,
    tenant_id,
    user_id,
    role,
    created_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
