{{ config(materialized='table') }}

{#- A business's time is that of its own events: use of this platform (api_requests) does not move it. -#}
{%- set events = [
    ('stg_invoices', 'issued_at'), ('stg_payments', 'paid_at'), ('stg_expenses', 'spent_date'),
    ('stg_leads', 'created_at'), ('stg_leads', 'won_at'), ('stg_leads', 'lost_at'),
    ('stg_lead_activities', 'happened_at'), ('stg_campaign_events', 'happened_at'), ('stg_messages', 'sent_at'),
    ('stg_tickets', 'opened_at'), ('stg_tickets', 'resolved_at'),
    ('stg_jobs', 'requested_at'), ('stg_jobs', 'completed_at'), ('stg_job_status_changes', 'changed_at'),
    ('stg_work_orders', 'opened_at'), ('stg_work_orders', 'started_at'), ('stg_work_orders', 'completed_at'),
    ('stg_trips', 'started_at'), ('stg_fuel_logs', 'filled_at'), ('fct_vehicle_days', 'last_recorded_at'),
] -%}
{%- set snapshots = ['stg_accounts', 'stg_leads', 'stg_subscriptions'] -%}

with

moments as (

    {% for model, column in events -%}
    select
        tenant_id,
        min(cast({{ column }} as timestamptz)) as first_at,
        max(cast({{ column }} as timestamptz)) as last_at
    from {{ ref(model) }}
    {% if model == 'stg_leads' %}where snapshot_date is null{% endif %}
    group by tenant_id
    union all
    {% endfor -%}
    {% for model in snapshots -%}
    select
        tenant_id,
        min(cast(snapshot_date as timestamptz)) as first_at,
        max(cast(snapshot_date as timestamptz)) as last_at
    from {{ ref(model) }}
    where snapshot_date is not null
    group by tenant_id
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    tenant_id,
    {{ utc_date('min(first_at)') }} as data_from_date,
    max(last_at) as data_until_at,
    {{ utc_date('max(last_at)') }} as data_until_date
from moments
group by tenant_id
having max(last_at) is not null
