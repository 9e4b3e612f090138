with

tenants as (

    select
        clock.tenant_id,
        {{ month_of('clock.data_from_date') }} as first_month,
        {{ month_of('clock.data_until_date') }} as last_month,
        clock.data_until_date,
        bool_and(periods.is_snapshot) as is_snapshot
    from {{ ref('int_tenant_clock') }} as clock
    inner join {{ ref('int_subscription_periods') }} as periods using (tenant_id)
    group by all

),

-- The month before the first gathers what was there already.
months as (

    select
        *,
        cast(unnest(generate_series(first_month - interval 1 month, last_month, interval 1 month)) as date) as month
    from tenants

),

changes as (

    select
        tenants.tenant_id,
        greatest(
            {{ month_of('changes.date') }}, cast(tenants.first_month - interval 1 month as date)
        ) as month,
        sum(changes.amount) filter (where changes.measure = 'mrr_cents' and changes.amount > 0) as new_cents,
        -sum(changes.amount) filter (where changes.measure = 'mrr_cents' and changes.amount < 0) as churned_cents,
        sum(changes.amount) filter (where changes.measure = 'active_subscription_count') as count_change
    from {{ ref('int_stock_changes') }} as changes
    inner join tenants on changes.tenant_id = tenants.tenant_id and changes.date <= tenants.data_until_date
    group by all

),

running as (

    select
        months.tenant_id,
        months.month,
        months.first_month,
        months.is_snapshot,
        coalesce(changes.new_cents, 0) as new_cents,
        coalesce(changes.churned_cents, 0) as churned_cents,
        sum(coalesce(changes.new_cents, 0) - coalesce(changes.churned_cents, 0)) over to_here as closing_cents,
        sum(coalesce(changes.count_change, 0)) over to_here as active_subscription_count
    from months
    left join changes on months.tenant_id = changes.tenant_id and months.month = changes.month
    window to_here as (partition by months.tenant_id order by months.month)

)

select
    tenant_id,
    month,
    -- A snapshot shows one moment: it has a level and no movement.
    cast(case when not is_snapshot then closing_cents - new_cents + churned_cents end as bigint) as opening_cents,
    cast(case when not is_snapshot then new_cents end as bigint) as new_cents,
    cast(case when not is_snapshot then churned_cents end as bigint) as churned_cents,
    cast(closing_cents as bigint) as closing_cents,
    cast(active_subscription_count as bigint) as active_subscription_count
from running
where month >= first_month
