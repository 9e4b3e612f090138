{#- Each cost is written down in one place: invoice lines, fuel logs, work orders, leads, expenses for the rest. -#}
with

costs as (

    select
        tenant_id,
        'invoice' as origin,
        invoice_id as cost_id,
        issued_date as date,
        'sales' as category,
        cost_cents as amount_cents,
        account_id,
        cast(null as uuid) as vehicle_id,
        cast(null as uuid) as campaign_id
    from {{ ref('int_invoice_amounts') }}

    union all

    select tenant_id, 'expense', expense_id, spent_date, category, amount_cents, null, vehicle_id, campaign_id
    from {{ ref('fct_expenses') }}

    union all

    select tenant_id, 'fuel_log', fuel_log_id, filled_date, 'fuel', price_cents, null, vehicle_id, null
    from {{ ref('fct_fuel_logs') }}

    union all

    {% for category in ['parts', 'labour'] -%}
    select
        tenant_id,
        'work_order',
        work_order_id,
        {{ utc_date('coalesce(completed_at, started_at, opened_at)') }},
        '{{ category }}',
        {{ category }}_cents,
        null,
        vehicle_id,
        null
    from {{ ref('fct_work_orders') }}
    where status <> 'cancelled'

    union all

    {% endfor -%}
    select tenant_id, 'lead', lead_id, created_date, 'leads', cost_cents, null, null, campaign_id
    from {{ ref('fct_leads') }}

)

select * from costs
where amount_cents <> 0 and date is not null
