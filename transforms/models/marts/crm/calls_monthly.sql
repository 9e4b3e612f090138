select
    tenant_id,
    {{ month_of('started_date') }} as month,
    direction,
    user_id,
    count(*) as call_count,
    count(*) filter (where is_answered) as answered_count,
    count(*) filter (where outcome = 'voicemail') as voicemail_count,
    count(*) filter (where outcome = 'no_answer') as no_answer_count,
    count(*) filter (where outcome = 'busy') as busy_count,
    count(*) filter (where outcome = 'declined') as declined_count,
    count(*) filter (where outcome = 'failed') as failed_count,
    count(*) filter (where is_answered) / count(*) as answered_share,
    count(*) filter (where is_missed) as missed_count,
    count(returned_at) as returned_count,
    cast(sum(talk_s) as bigint) as talk_s,
    median(talk_s) filter (where is_answered) as median_talk_s,
    median(return_hours) as median_return_hours
from {{ ref('fct_calls') }}
group by all
