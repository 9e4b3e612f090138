select
    tenant_id,
    {{ month_of('asked_date') }} as month,
    channel,
    count(*) as asked_count,
    count(opened_at) as opened_count,
    count(*) filter (where is_answered) as answered_count,
    count(*) filter (where status = 'expired') as expired_count,
    count(*) filter (where status in ('sent', 'opened')) as waiting_count,
    count(*) filter (where is_answered) / count(*) as answered_share,
    avg(rating) as rating_mean,
    count(*) filter (where is_good) as good_count,
    count(*) filter (where is_good) / nullif(count(is_good), 0) as good_share,
    median(answer_hours) as median_answer_hours
from {{ ref('fct_review_requests') }}
where asked_date is not null
group by all
