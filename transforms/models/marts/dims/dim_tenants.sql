select
    tenant_id,
    slug,
    name,
    kind,
    country,
    timezone,
    currency,
    is_simulated,
    data_from,
    data_until,
    failure_horizon_h
from {{ ref('stg_tenants') }}
