select
    tenant_id,
    vehicle_id,
    month,
    fuel_cents,
    parts_cents + labour_cents as maintenance_cents,
    parts_cents,
    labour_cents,
    other_cents,
    fuel_cents + parts_cents + labour_cents + other_cents as total_cents,
    distance_km,
    (fuel_cents + parts_cents + labour_cents + other_cents) / nullif(distance_km, 0) as cost_per_km_cents,
    planned_h + unplanned_h as downtime_h,
    trip_count
from {{ ref('int_vehicle_monthly') }}
