select
    tenant_id,
    subscription_id,
    account_id,
    mrr_cents,
    snapshot_date is not null as is_snapshot,
    coalesce(snapshot_date, started_date) as started_date,
    case when snapshot_date is null then cancelled_date end as ended_date
from {{ ref('stg_subscriptions') }}
where snapshot_date is null or status <> 'cancelled'
