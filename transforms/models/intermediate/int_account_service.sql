{#-
    How each account was served up to each of its as-of dates. An account has one as-of date a month, so an event is
    joined by month: to its own and the six after it, which is as far as the longest window (180 days) reaches.
    What has no window is summed by month and then runs on.
-#}
with

as_of_dates as materialized (

    select
        account_id,
        as_of_date,
        cast(as_of_date + 1 as timestamptz) as as_of_at,
        year(as_of_date) * 12 + month(as_of_date) as month_number,
        min(year(as_of_date) * 12 + month(as_of_date)) over (partition by account_id) as first_month_number
    from {{ ref('int_account_as_of_dates') }}

),

events as materialized (

    select
        account_id,
        kind,
        happened_at,
        amount,
        year({{ utc_date('happened_at') }}) * 12 + month({{ utc_date('happened_at') }}) as month_number
    from {{ ref('int_account_events') }}

),

reached as (

    select
        account_id,
        kind,
        happened_at,
        amount,
        unnest(generate_series(month_number, month_number + 6)) as month_number
    from events
    where kind not in ('message', 'ticket_resolved')

),

{% set in_90_days = "happened_at >= as_of_at - interval 90 day" -%}

recent as (

    select
        account_id,
        month_number,
        sum(amount) filter (where kind = 'invoice' and {{ in_90_days }}) as revenue_90d_cents,
        sum(amount) filter (where kind = 'invoice' and not {{ in_90_days }}) as revenue_prev_90d_cents,
        count(*) filter (where kind = 'invoice' and {{ in_90_days }}) as invoice_count_90d,
        count(*) filter (where kind = 'job' and {{ in_90_days }}) as job_count_90d,
        count(*) filter (where kind = 'late_job' and {{ in_90_days }}) as late_job_count_90d,
        count(*) filter (where kind = 'cancelled_job' and {{ in_90_days }}) as cancelled_job_count_90d,
        avg(amount) filter (where kind = 'rating') as rating_mean_180d,
        count(*) filter (where kind = 'ticket' and {{ in_90_days }}) as ticket_count_90d,
        count(*) filter (where kind = 'failed_payment' and {{ in_90_days }}) as failed_payment_count_90d
    from reached
    inner join as_of_dates using (account_id, month_number)
    where happened_at < as_of_at and happened_at >= as_of_at - interval 180 day
    group by all

),

-- What was there before the first look is seen at the first look.
placed as (

    select events.* replace (greatest(events.month_number, firsts.first_month_number) as month_number)
    from events
    inner join (select distinct account_id, first_month_number from as_of_dates) as firsts using (account_id)

),

monthly as (

    select
        account_id,
        month_number,
        max(happened_at) filter (where kind = 'invoice') as last_invoice_at,
        max(happened_at) filter (where kind = 'message') as last_message_at,
        sum(amount) filter (where kind in ('ticket', 'ticket_resolved')) as opened_ticket_count
    from placed
    inner join as_of_dates using (account_id, month_number)
    where kind in ('invoice', 'message', 'ticket', 'ticket_resolved') and happened_at < as_of_at
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
