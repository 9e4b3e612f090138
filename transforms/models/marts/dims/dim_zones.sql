select
    zone_id,
    tenant_id,
    name,
    city,
    country,
    latitude,
    longitude
from {{ ref('stg_zones') }}
