select
    tenant_id,
    source,
    count(*) as lead_count,
    count(*) filter (where is_won) as won_count,
    count(*) filter (where not is_won) as lost_count,
    count(*) filter (where is_won) / nullif(count(is_won), 0) as win_rate,
    cast(sum(cost_cents) as bigint) as cost_cents,
    cast(sum(value_cents) filter (where is_won) as bigint) as won_value_cents,
    cast(sum(cost_cents) as double) / nullif(count(*) filter (where is_won), 0) as cost_per_won_cents,
    min(created_date) as first_date,
    max(created_date) as last_date
from {{ ref('fct_leads') }}
group by all
