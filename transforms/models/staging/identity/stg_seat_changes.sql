{{ config(unique_key='seat_change_id') }}

with

landed as (

    {{ landed('seat_changes') }}

)

select
    id as seat_change_id,
    tenant_id,
    user_id,
    happened_at,
    role,
    state,
    created_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
