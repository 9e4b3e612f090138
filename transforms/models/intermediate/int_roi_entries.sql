{#- What went into a subject and what came back, by month; return is null where an entry says nothing about it. -#}
{%- set depreciation_months = 60 %}
with

leads as (

    select
        *,
        case when campaign_id is null then 'lead_source' else 'campaign' end as subject_kind,
        coalesce(cast(campaign_id as varchar), source) as subject_id
    from {{ ref('fct_leads') }}
    where created_date is not null

),

written_off as (

    select
        *,
        unnest(generate_series(0, {{ depreciation_months }} - 1)) as months_owned
    from {{ ref('int_vehicle_lifetimes') }}
    where acquired_date is not null and acquisition_cost_cents is not null

),

depreciation as (

    select
        tenant_id,
        vehicle_id,
        cast(date_trunc('month', acquired_date) + to_months(cast(months_owned as integer)) as date) as month,
        round(acquisition_cost_cents * (months_owned + 1) / {{ depreciation_months }})
        - round(acquisition_cost_cents * months_owned / {{ depreciation_months }}) as cost_cents
    from written_off

)

select
    tenant_id,
    'campaign' as subject_kind,
    cast(campaign_id as varchar) as subject_id,
    month,
    cost_cents as investment_cents,
    null as return_cents
from {{ ref('int_campaign_costs') }}

union all

select tenant_id, subject_kind, subject_id, {{ month_of('created_date') }}, cost_cents, null
from leads

union all

select tenant_id, subject_kind, subject_id, {{ month_of(utc_date('won_at')) }}, null, value_cents
from leads
where status = 'won' and won_at is not null

union all

-- A lead's conversion is its won value, counted above.
select tenant_id, 'campaign', cast(campaign_id as varchar), {{ month_of('happened_date') }}, null, value_cents
from {{ ref('fct_campaign_events') }}
where kind = 'conversion' and lead_id is null and happened_date is not null

union all

select tenant_id, 'vehicle', cast(vehicle_id as varchar), month, total_cents, null
from {{ ref('fleet_costs_monthly') }}

union all

select tenant_id, 'vehicle', cast(vehicle_id as varchar), month, cost_cents, null
from depreciation
inner join {{ ref('int_vehicle_months') }} using (tenant_id, vehicle_id, month)

union all

select tenant_id, 'vehicle', cast(vehicle_id as varchar), {{ month_of(utc_date('completed_at')) }}, null, price_cents
from {{ ref('int_job_vehicles') }}
