with

quotes as (

    select * from {{ ref('fct_quotes') }}

),

steps as (

    select tenant_id, currency, total_cents, decision_hours, 'made' as step, created_date as date from quotes
    union all
    select tenant_id, currency, total_cents, decision_hours, 'sent' as step, sent_date as date from quotes
    union all
    select tenant_id, currency, total_cents, decision_hours, status as step, ended_date as date from quotes
    where is_won is not null

)

select
    tenant_id,
    {{ month_of('date') }} as month,
    currency,
    count(*) filter (where step = 'made') as made_count,
    count(*) filter (where step = 'sent') as sent_count,
    cast(coalesce(sum(total_cents) filter (where step = 'sent'), 0) as bigint) as sent_cents,
    count(*) filter (where step = 'accepted') as accepted_count,
    cast(coalesce(sum(total_cents) filter (where step = 'accepted'), 0) as bigint) as accepted_cents,
    count(*) filter (where step = 'declined') as declined_count,
    cast(coalesce(sum(total_cents) filter (where step = 'declined'), 0) as bigint) as declined_cents,
    count(*) filter (where step = 'expired') as expired_count,
    count(*) filter (where step = 'accepted')
    / nullif(count(*) filter (where step in ('accepted', 'declined', 'expired')), 0) as win_rate,
    median(decision_hours) filter (where step in ('accepted', 'declined')) as median_decision_hours
from steps
where date is not null
group by all
