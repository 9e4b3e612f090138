{{ config(unique_key='fuel_log_id') }}

with

landed as (

    {{ landed('fuel_logs') }}

)

select
    id as fuel_log_id,
    tenant_id,
    vehicle_id,
    filled_at,
    litres,
    price_cents,
    currency,
    odometer_km,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
