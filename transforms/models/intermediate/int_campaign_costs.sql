{#- A campaign's cost falls evenly on its days; the months' rounded cents add up to what was spent by then. -#}
with

campaigns as (

    select
        campaigns.tenant_id,
        campaigns.campaign_id,
        campaigns.cost_cents,
        {{ utc_date('campaigns.started_at') }} as first_date,
        coalesce({{ utc_date('campaigns.ended_at') }}, clock.data_until_date) as last_date,
        clock.data_until_date
    from {{ ref('dim_campaigns') }} as campaigns
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
    where {{ utc_date('campaigns.started_at') }} <= clock.data_until_date

),

months as (

    select
        *,
        cast(
            unnest(generate_series(
                date_trunc('month', first_date), least(last_date, data_until_date), interval 1 month
            )) as date
        ) as month
    from campaigns

),

spent_shares as (

    select
        *,
        (greatest(month, first_date) - first_date) / (last_date - first_date + 1) as before,
        (least(cast(last_day(month) as date), last_date, data_until_date) - first_date + 1)
        / (last_date - first_date + 1) as by_end
    from months
    where last_date >= first_date

)

select
    tenant_id,
    campaign_id,
    month,
    cast(round(cost_cents * by_end) - round(cost_cents * before) as bigint) as cost_cents
from spent_shares
