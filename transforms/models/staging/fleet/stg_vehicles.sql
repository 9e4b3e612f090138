{{ config(unique_key='vehicle_id') }}

with

landed as (

    {{ landed('vehicles') }}

)

select
    id as vehicle_id,
    tenant_id,
    registration,
    make,
    model,
    model_year,
    kind,
    fuel,
    status,
    acquired_date,
    acquisition_cost_cents,
    currency,
    odometer_km,
    zone_id,
    attributes,
    deleted_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
