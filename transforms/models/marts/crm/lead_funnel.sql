with

leads as (

    select
        *,
        cast(date_trunc('month', coalesce(created_date, snapshot_date)) as date) as month
    from {{ ref('fct_leads') }}
    where coalesce(created_date, snapshot_date) is not null

)

select
    tenant_id,
    month,
    source,
    count(*) as lead_count,
    count(*) filter (where first_replied_at is not null or status in ('contacted', 'qualified', 'won')) as contacted_count,
    count(*) filter (where status in ('qualified', 'won')) as qualified_count,
    count(*) filter (where is_won) as won_count,
    count(*) filter (where not is_won) as lost_count,
    count(*) filter (where is_won) / nullif(count(is_won), 0) as win_rate,
    cast(sum(cost_cents) as bigint) as cost_cents,
    cast(coalesce(sum(value_cents) filter (where is_won), 0) as bigint) as value_cents,
    median(reply_hours) as median_reply_hours
from leads
group by all
