{{ config(unique_key='zone_id') }}

with

landed as (

    {{ landed('zones') }}

)

select
    id as zone_id,
    tenant_id,
    name,
    city,
    country,
    latitude,
    longitude,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
