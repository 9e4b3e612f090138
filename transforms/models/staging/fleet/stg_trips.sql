{{ config(unique_key='trip_id') }}

with

landed as (

    {{ landed('trips') }}

)

select
    id as trip_id,
    tenant_id,
    vehicle_id,
    provider_id,
    started_at,
    ended_at,
    distance_km,
    idle_s,
    fuel_l,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
