select
    tenant_id,
    requested_date as date,
    service,
    zone_id,
    count(*) as job_count,
    count(*) filter (where status = 'completed') as completed_count,
    count(*) filter (where status = 'cancelled') as cancelled_count,
    count(*) filter (where is_late) as late_count,
    count(*) filter (where not is_late) / nullif(count(is_late), 0) as on_time_share,
    median(hours_to_assign) as median_hours_to_assign,
    median(hours_to_complete) as median_hours_to_complete,
    avg(rating) as rating_mean
from {{ ref('fct_jobs') }}
group by all
