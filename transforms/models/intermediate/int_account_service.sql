{#-
    How each account was served up to each of its as-of dates. Windows begin and end at midnight, so events are summed
    by day first. An account has one as-of date a month, so a day is joined by month: to its own and the six after it,
    which is as far as the longest window (180 days) reaches. What has no window is summed by month and then runs on.
-#}
{%- set recent_counts = {
    'invoice': 'invoice_count',
    'job': 'job_count',
    'late_job': 'late_job_count',
    'cancelled_job': 'cancelled_job_count',
    'ticket': 'ticket_count',
    'failed_payment': 'failed_payment_count',
} -%}

with

as_of_dates as materialized (

    select
        account_id,
        as_of_date,
        year(as_of_date) * 12 + month(as_of_date) as month_number,
        min(year(as_of_date) * 12 + month(as_of_date)) over (partition by account_id) as first_month_number
    from {{ ref('int_account_as_of_dates') }}

),

days as materialized (

    select
        account_id,
        {{ utc_date('happened_at') }} as happened_date,
        year(happened_date) * 12 + month(happened_date) as month_number,
        {%- for kind, count in recent_counts.items() %}
        count(*) filter (where kind = '{{ kind }}') as {{ count }},
        {%- endfor %}
        sum(amount) filter (where kind = 'invoice') as revenue_cents,
        sum(amount) filter (where kind = 'rating') as rating_sum,
        count(*) filter (where kind = 'rating') as rating_count,
        sum(amount) filter (where kind in ('ticket', 'ticket_resolved')) as opened_ticket_count,
        max(happened_at) filter (where kind = 'invoice') as last_invoice_at,
        max(happened_at) filter (where kind = 'message') as last_message_at
    from {{ ref('int_account_events') }}
    group by all

),

reached as (

    select
        days.* replace (days.month_number + later.months as month_number),
        as_of_dates.as_of_date,
        days.happened_date > as_of_dates.as_of_date - 90 as is_recent
    from days
    cross join (select unnest(range(7)) as months) as later
    inner join as_of_dates
        on
            days.account_id = as_of_dates.account_id
            and days.month_number + later.months = as_of_dates.month_number
    where
        days.rating_count + days.{{ recent_counts.values() | join(' + days.') }} > 0
        and days.happened_date <= as_of_dates.as_of_date
        and days.happened_date > as_of_dates.as_of_date - 180

),

recent as (

    select
        account_id,
        month_number,
        sum(case when is_recent then revenue_cents end) as revenue_90d_cents,
        sum(case when not is_recent then revenue_cents end) as revenue_prev_90d_cents,
        {%- for count in recent_counts.values() %}
        cast(coalesce(sum(case when is_recent then {{ count }} end), 0) as bigint) as {{ count }}_90d,
        {%- endfor %}
        sum(rating_sum) / sum(rating_count) as rating_mean_180d
    from reached
    group by all

),

-- What was there before the first look is seen at the first look.
placed as (

    select days.* replace (greatest(days.month_number, firsts.first_month_number) as month_number)
    from days
    inner join (select distinct account_id, first_month_number from as_of_dates) as firsts using (account_id)

),

monthly as (

    select
        account_id,
        month_number,
        max(last_invoice_at) as last_invoice_at,
        max(last_message_at) as last_message_at,
        sum(opened_ticket_count) as opened_ticket_count
    from placed
    inner join as_of_dates using (account_id, month_number)
    where happened_date <= as_of_date
    group by all

)

select
    as_of_dates.account_id,
    as_of_dates.as_of_date,
    recent.* exclude (account_id, month_number),
    max(monthly.last_invoice_at) over to_here as last_invoice_at,
    max(monthly.last_message_at) over to_here as last_message_at,
    sum(monthly.opened_ticket_count) over to_here as open_ticket_count
from as_of_dates
left join recent using (account_id, month_number)
left join monthly using (account_id, month_number)
window to_here as (partition by as_of_dates.account_id order by as_of_dates.as_of_date)
