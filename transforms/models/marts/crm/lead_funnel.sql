with

leads as (

    select
        *,
        {{ month_of('coalesce(created_date, snapshot_date)') }} as month
    from {{ ref('fct_leads') }}
    where coalesce(created_date, snapshot_date) is not null

),

by_source as (

    select
        tenant_id,
        month,
        source,
        count(*) as lead_count,
        count(*) filter (
            where first_replied_at is not null or status in ('contacted', 'qualified', 'won')
        ) as contacted_count,
        count(*) filter (where status in ('qualified', 'won')) as qualified_count,
        count(*) filter (where is_won) as won_count,
        count(*) filter (where not is_won) as lost_count,
        count(*) filter (where is_won) / nullif(count(is_won), 0) as win_rate,
        cast(sum(cost_cents) as bigint) as cost_cents,
        sum(value_cents) filter (where is_won) as won_value_cents,
        count(value_cents) as valued_count,
        median(reply_hours) as median_reply_hours
    from leads
    group by all

)

select
    * exclude (won_value_cents, valued_count, median_reply_hours),
    -- A source that values no lead at all says nothing about the value of those won.
    cast(
        case when sum(valued_count) over (partition by tenant_id) > 0 then coalesce(won_value_cents, 0) end as bigint
    ) as value_cents,
    median_reply_hours
from by_source
