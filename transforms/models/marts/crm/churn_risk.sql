with

newest as (

    select *
    from {{ source('ml', 'account_churn') }}
    qualify row_number() over (partition by tenant_id, account_id order by as_of_date desc) = 1

),

-- Chances differ between businesses: in most, nobody's reaches one half, and yet some are at far more risk than others.
scores as (

    select
        *,
        avg(churn_score) over (partition by tenant_id) as usual_score
    from newest

),

activity as (

    select
        events.tenant_id,
        events.account_id,
        max(events.happened_at) as last_activity_at,
        sum(events.amount) filter (
            where events.kind = 'invoice' and events.happened_at > clock.data_until_at - interval 365 day
        ) as revenue_365d_cents
    from {{ ref('int_account_events') }} as events
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    group by all

),

recurring as (

    select
        periods.tenant_id,
        periods.account_id,
        sum(periods.mrr_cents) as mrr_cents
    from {{ ref('int_subscription_periods') }} as periods
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    where periods.started_date <= clock.data_until_date
        and coalesce(periods.ended_date > clock.data_until_date, true)
    group by all

)

select
    scores.tenant_id,
    scores.account_id,
    scores.as_of_date,
    scores.churn_score,
    {{ band(
        'scores.churn_score', high='least(0.5, 1.75 * scores.usual_score)', medium='least(0.25, 1.25 * scores.usual_score)'
    ) }} as risk_band,
    scores.reasons,
    cast(coalesce(recurring.mrr_cents, 0) as bigint) as mrr_cents,
    cast(coalesce(activity.revenue_365d_cents, 0) as bigint) as revenue_365d_cents,
    activity.last_activity_at,
    accounts.account_name,
    scores.model_version
from scores
inner join {{ ref('dim_accounts') }} as accounts using (tenant_id, account_id)
left join activity using (tenant_id, account_id)
left join recurring using (tenant_id, account_id)
