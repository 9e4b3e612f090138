select
    campaign_id,
    tenant_id,
    name,
    channel,
    status,
    cost_cents,
    currency,
    started_at,
    ended_at
from {{ ref('stg_campaigns') }}
