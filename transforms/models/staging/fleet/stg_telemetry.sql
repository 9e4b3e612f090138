{{ config(unique_key='telemetry_id') }}

with

landed as (

    {{ landed('telemetry') }}

)

select
    id as telemetry_id,
    tenant_id,
    vehicle_id,
    recorded_at,
    {{ utc_date('recorded_at') }} as recorded_date,
    speed_kmh,
    rpm,
    temperature_c,
    vibration_mm_s,
    pressure_kpa,
    voltage_v,
    fuel_level_pct,
    odometer_km,
    latitude,
    longitude,
    error_code,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
