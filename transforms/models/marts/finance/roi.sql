with

monthly as (

    select
        tenant_id,
        subject_kind,
        subject_id,
        cast(month as date) as month,
        sum(investment_cents) as investment_cents,
        sum(return_cents) as return_cents
    from {{ ref('int_roi_entries') }}
    group by all

),

-- Nothing in a month is zero once such money is recorded; a vehicle that no job can be traced to has no return.
known as (

    select
        * exclude (investment_cents, return_cents),
        {{ zero_when_known('investment_cents', ['tenant_id', 'subject_kind']) }} as investment_cents,
        {{ zero_when_known('return_cents', ['tenant_id', 'subject_kind', 'vehicle']) }} as return_cents
    from (select *, case when subject_kind = 'vehicle' then subject_id end as vehicle from monthly)

),

running as (

    select
        *,
        sum(investment_cents) over to_here as invested_cents,
        sum(return_cents) over to_here as returned_cents,
        min(month) filter (where investment_cents > 0) over (
            partition by tenant_id, subject_kind, subject_id
        ) as first_month
    from known
    window to_here as (partition by tenant_id, subject_kind, subject_id order by month)

),

covered as (

    select
        *,
        max(month) filter (where returned_cents < invested_cents) over (
            partition by tenant_id, subject_kind, subject_id
        ) as last_uncovered_month
    from running

),

-- Paid back means for good, as far as is known: later costs can undo it.
paid_back as (

    select
        tenant_id,
        subject_kind,
        subject_id,
        date_diff(
            'month',
            min(first_month),
            min(month) filter (where month > coalesce(last_uncovered_month, first_month - interval 1 month))
        ) as payback_months
    from covered
    where invested_cents > 0 and returned_cents is not null
    group by all

),

names as (

    select tenant_id, 'campaign' as subject_kind, cast(campaign_id as varchar) as subject_id, name as subject_name
    from {{ ref('dim_campaigns') }}
    union all
    select tenant_id, 'vehicle', cast(vehicle_id as varchar), registration
    from {{ ref('stg_vehicles') }}

)

select
    running.tenant_id,
    running.month,
    running.subject_kind,
    running.subject_id,
    coalesce(names.subject_name, running.subject_id) as subject_name,
    cast(running.investment_cents as bigint) as investment_cents,
    cast(running.return_cents as bigint) as return_cents,
    cast(running.return_cents - running.investment_cents as bigint) as profit_cents,
    (running.return_cents - running.investment_cents) / nullif(running.investment_cents, 0) as roi,
    paid_back.payback_months
from running
left join paid_back using (tenant_id, subject_kind, subject_id)
left join names using (tenant_id, subject_kind, subject_id)
where running.investment_cents is not null or running.return_cents is not null
