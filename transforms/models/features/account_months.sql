with

as_of_dates as (

    select * from {{ ref('int_account_as_of_dates') }}

),

recurring as (

    select
        as_of_dates.tenant_id,
        as_of_dates.account_id,
        as_of_dates.as_of_date,
        sum(subscriptions.mrr_cents) as mrr_cents
    from as_of_dates
    inner join {{ ref('stg_subscriptions') }} as subscriptions
        on
            as_of_dates.tenant_id = subscriptions.tenant_id
            and as_of_dates.account_id = subscriptions.account_id
            -- A snapshot's cancelled contract is the answer, so its price counts whatever its status.
            and (
                as_of_dates.is_snapshot
                or (
                    subscriptions.started_date <= as_of_dates.as_of_date
                    and coalesce(subscriptions.cancelled_date > as_of_dates.as_of_date, true)
                )
            )
    group by all

)

select
    as_of_dates.tenant_id,
    as_of_dates.account_id,
    as_of_dates.as_of_date,
    date_diff('day', as_of_dates.started_date, as_of_dates.as_of_date) as tenure_days,
    accounts.segment,
    accounts.kind,
    cast(coalesce(service.revenue_90d_cents, 0) as bigint) as revenue_90d_cents,
    cast(coalesce(service.revenue_prev_90d_cents, 0) as bigint) as revenue_prev_90d_cents,
    coalesce(service.invoice_count_90d, 0) as invoice_count_90d,
    date_diff('day', {{ utc_date('service.last_invoice_at') }}, as_of_dates.as_of_date) as days_since_last_invoice,
    coalesce(service.job_count_90d, 0) as job_count_90d,
    coalesce(service.late_job_count_90d, 0) as late_job_count_90d,
    coalesce(service.cancelled_job_count_90d, 0) as cancelled_job_count_90d,
    service.rating_mean_180d,
    coalesce(service.ticket_count_90d, 0) as ticket_count_90d,
    cast(coalesce(service.open_ticket_count, 0) as bigint) as open_ticket_count,
    date_diff('day', {{ utc_date('service.last_message_at') }}, as_of_dates.as_of_date) as days_since_last_message,
    coalesce(service.failed_payment_count_90d, 0) as failed_payment_count_90d,
    cast(coalesce(recurring.mrr_cents, 0) as bigint) as mrr_cents,
    -- Undated attributes are today's: only a snapshot may look at them.
    case when as_of_dates.is_snapshot then accounts.attributes end as attributes,
    as_of_dates.is_snapshot,
    as_of_dates.churned_at,
    clock.data_until_at as known_until_at,
    case when as_of_dates.is_snapshot then accounts.status = 'churned' end as snapshot_churned
from as_of_dates
inner join {{ ref('stg_accounts') }} as accounts using (tenant_id, account_id)
inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
left join {{ ref('int_account_service') }} as service using (account_id, as_of_date)
left join recurring using (tenant_id, account_id, as_of_date)
