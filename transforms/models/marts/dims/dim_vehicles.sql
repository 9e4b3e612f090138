select
    vehicle_id,
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
    zone_id
from {{ ref('stg_vehicles') }}
where deleted_at is null
