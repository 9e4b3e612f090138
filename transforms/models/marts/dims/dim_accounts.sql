select
    account_id,
    tenant_id,
    kind,
    account_name,
    segment,
    status,
    zone_id,
    city,
    country,
    since_date,
    churned_at,
    snapshot_date
from {{ ref('stg_accounts') }}
where deleted_at is null
