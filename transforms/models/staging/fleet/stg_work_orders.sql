{{ config(unique_key='work_order_id') }}

with

landed as (

    {{ landed('work_orders') }}

)

select
    id as work_order_id,
    tenant_id,
    vehicle_id,
    kind,
    component,
    is_failure,
    status,
    opened_at,
    started_at,
    completed_at,
    downtime_h,
    labour_cents,
    parts_cents,
    currency,
    odometer_km,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
