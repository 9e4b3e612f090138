with

tickets as (

    select
        *,
        {{ month_of('opened_date') }} as opened_month,
        case when resolved_at is not null then {{ month_of('greatest(resolved_date, opened_date)') }} end as resolved_month
    from {{ ref('fct_tickets') }}

),

spine as (

    select distinct
        days.tenant_id,
        {{ month_of('days.date') }} as month,
        kinds.priority
    from {{ ref('int_tenant_days') }} as days
    inner join (select distinct tenant_id, priority from tickets) as kinds using (tenant_id)

),

opened as (

    select
        tenant_id,
        opened_month as month,
        priority,
        count(*) as opened_count,
        cast(sum(reopened_count) as bigint) as reopened_count,
        count(satisfaction) as rated_count,
        avg(satisfaction) as satisfaction_mean,
        count(first_response_at) as answered_count,
        median(first_response_hours) as median_first_response_hours,
        quantile_cont(first_response_hours, 0.9) as p90_first_response_hours,
        median(resolution_hours) as median_resolution_hours
    from tickets
    group by all

),

resolved as (

    select
        tenant_id,
        resolved_month as month,
        priority,
        count(*) as resolved_count
    from tickets
    where resolved_month is not null
    group by all

)

select
    spine.tenant_id,
    spine.month,
    spine.priority,
    coalesce(opened.opened_count, 0) as opened_count,
    coalesce(resolved.resolved_count, 0) as resolved_count,
    cast(
        sum(coalesce(opened.opened_count, 0) - coalesce(resolved.resolved_count, 0)) over (
            partition by spine.tenant_id, spine.priority order by spine.month
        ) as bigint
    ) as backlog_count,
    coalesce(opened.reopened_count, 0) as reopened_count,
    coalesce(opened.rated_count, 0) as rated_count,
    opened.satisfaction_mean,
    coalesce(opened.answered_count, 0) as answered_count,
    opened.median_first_response_hours,
    opened.p90_first_response_hours,
    opened.median_resolution_hours
from spine
left join opened using (tenant_id, month, priority)
left join resolved using (tenant_id, month, priority)
