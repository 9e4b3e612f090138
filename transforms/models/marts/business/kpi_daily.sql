{%- set flows = [
    'invoice_count', 'job_count', 'completed_job_count', 'late_job_count', 'lead_count', 'won_lead_count',
    'lost_lead_count', 'downtime_h', 'distance_km', 'fuel_cost_cents',
] -%}
{%- set stocks = ['active_account_count', 'mrr_cents', 'open_ticket_count', 'vehicle_count'] -%}

with

clock as (

    select * from {{ ref('int_tenant_clock') }}

),

money as (

    select
        tenant_id,
        date,
        sum(revenue_cents) as revenue_cents,
        sum(cost_cents) as cost_cents
    from {{ ref('revenue_cost_margin') }}
    group by all

),

flows as (

    select
        tenant_id,
        date,
        {% for flow in flows -%}
        sum(amount) filter (where measure = '{{ flow }}') as {{ flow }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_daily_flows') }}
    group by all

),

stock_changes as (

    -- What began before the first known day is there on the first known day.
    select
        changes.tenant_id,
        greatest(changes.date, clock.data_from_date) as date,
        {% for stock in stocks -%}
        sum(changes.amount) filter (where changes.measure = '{{ stock }}') as {{ stock }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_stock_changes') }} as changes
    inner join clock on changes.tenant_id = clock.tenant_id
    group by all

),

daily as (

    select
        tenant_id,
        date,
        {% for column in ['revenue_cents', 'cost_cents'] + flows -%}
        {{ zero_when_known(column, ['tenant_id']) }} as {{ column }},
        {% endfor %}
        {% for stock in stocks -%}
        case when count({{ stock }}) over (partition by tenant_id) > 0 then
            coalesce(sum({{ stock }}) over (partition by tenant_id order by date), 0)
        end as {{ stock }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_tenant_days') }} as days
    left join money using (tenant_id, date)
    left join flows using (tenant_id, date)
    left join stock_changes using (tenant_id, date)

)

select
    tenant_id,
    date,
    cast(revenue_cents as bigint) as revenue_cents,
    cast(cost_cents as bigint) as cost_cents,
    cast(revenue_cents - cost_cents as bigint) as margin_cents,
    (revenue_cents - cost_cents) / nullif(revenue_cents, 0) as margin_share,
    cast(invoice_count as bigint) as invoice_count,
    cast(job_count as bigint) as job_count,
    cast(completed_job_count as bigint) as completed_job_count,
    cast(late_job_count as bigint) as late_job_count,
    cast(lead_count as bigint) as lead_count,
    cast(won_lead_count as bigint) as won_lead_count,
    cast(lost_lead_count as bigint) as lost_lead_count,
    won_lead_count / nullif(won_lead_count + lost_lead_count, 0) as lead_win_rate,
    cast(active_account_count as bigint) as active_account_count,
    cast(mrr_cents as bigint) as mrr_cents,
    cast(open_ticket_count as bigint) as open_ticket_count,
    cast(vehicle_count as bigint) as vehicle_count,
    downtime_h,
    distance_km,
    cast(fuel_cost_cents as bigint) as fuel_cost_cents
from daily
