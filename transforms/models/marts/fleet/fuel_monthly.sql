select
    tenant_id,
    vehicle_id,
    month,
    litres,
    fuel_cents as cost_cents,
    distance_km,
    100 * nullif(litres, 0) / nullif(distance_km, 0) as l_per_100km,
    filled_cents / nullif(litres, 0) as price_per_l_cents
from {{ ref('int_vehicle_monthly') }}
where litres > 0 or fuel_cents <> 0 or distance_km > 0
