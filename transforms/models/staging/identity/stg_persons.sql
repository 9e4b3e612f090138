{{ config(unique_key='person_id') }}

with

landed as (

    {{ landed('persons') }}

)

select
    id as person_id,
    tenant_id,
    kind,
    full_name,
    email,
    phone,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
