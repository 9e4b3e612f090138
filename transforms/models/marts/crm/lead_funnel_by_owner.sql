with

leads as (

    select
        *,
        {{ month_of('created_date') }} as month,
        status in ('qualified', 'won') or qualified_at is not null as is_qualified,
        least(contacted_at, first_replied_at) as contact_at
    from {{ ref('fct_leads') }}
    where created_date is not null

),

steps as (

    select
        *,
        contact_at is not null or is_qualified or status = 'contacted' as is_contacted,
        greatest({{ hours_between('created_at', 'contact_at') }}, 0) as contact_hours,
        greatest({{ hours_between('greatest(contact_at, created_at)', 'qualified_at') }}, 0) as qualify_hours,
        greatest({{ hours_between('created_at', 'won_at') }}, 0) as win_hours
    from leads

)

select
    tenant_id,
    month,
    source,
    owner_id,
    count(*) as lead_count,
    count(*) filter (where is_contacted) as contacted_count,
    count(*) filter (where is_qualified) as qualified_count,
    count(*) filter (where status = 'won') as won_count,
    count(*) filter (where status = 'lost') as lost_count,
    count(*) filter (where status not in ('won', 'lost')) as open_count,
    count(*) filter (where is_contacted) / count(*) as contacted_share,
    count(*) filter (where is_qualified) / nullif(count(*) filter (where is_contacted), 0) as qualified_share,
    count(*) filter (where status = 'won') / nullif(count(*) filter (where is_qualified), 0) as won_share,
    median(contact_hours) filter (where contact_at is not null) as median_contact_hours,
    median(qualify_hours) filter (where contact_at is not null and qualified_at is not null) as median_qualify_hours,
    median(win_hours) filter (where status = 'won' and won_at is not null) as median_win_hours,
    count(reply_hours) as answered_count,
    count(*) filter (where greatest(reply_hours, 0) <= 1 and reply_hours is not null) as within_hour_count,
    median(greatest(reply_hours, 0)) filter (where reply_hours is not null) as median_reply_hours,
    quantile_cont(greatest(reply_hours, 0), 0.9) filter (where reply_hours is not null) as p90_reply_hours
from steps
group by all
