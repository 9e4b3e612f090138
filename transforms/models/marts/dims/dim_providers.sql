select
    provider_id,
    tenant_id,
    kind,
    zone_id,
    skills,
    hourly_cost_cents,
    rating,
    is_active,
    hired_date
from {{ ref('stg_providers') }}
