{{ config(materialized='table') }}

{#- What a vehicle used and cost: its months in service, and any other in which something was booked. -#}
{%- set whole = [
    'fuel_cents', 'filled_cents', 'parts_cents', 'labour_cents', 'other_cents', 'trip_count', 'failure_count'
] -%}
{%- set measured = ['litres', 'distance_km', 'planned_h', 'unplanned_h'] -%}
{%- set records = {
    'fuel_cents + parts_cents + labour_cents + other_cents <> 0':
        ['fuel_cents', 'parts_cents', 'labour_cents', 'other_cents'],
    'litres > 0': ['litres', 'filled_cents'],
    'trip_count > 0': ['trip_count', 'distance_km'],
    'failure_count > 0': ['failure_count'],
    'planned_h + unplanned_h > 0': ['planned_h', 'unplanned_h'],
} -%}
{%- set entries = [
    ('fct_costs', 'date', "category = 'fuel'", {'fuel_cents': 'amount_cents'}),
    ('fct_costs', 'date', "category = 'parts'", {'parts_cents': 'amount_cents'}),
    ('fct_costs', 'date', "category = 'labour'", {'labour_cents': 'amount_cents'}),
    ('fct_costs', 'date', "category not in ('fuel', 'parts', 'labour')", {'other_cents': 'amount_cents'}),
    ('fct_fuel_logs', 'filled_date', 'true', {'litres': 'litres', 'filled_cents': 'price_cents'}),
    ('fct_trips', 'started_date', 'true', {'trip_count': '1', 'distance_km': 'distance_km'}),
    ('fct_work_orders', 'opened_date', "is_failure and status <> 'cancelled'", {'failure_count': '1'}),
    ('int_downtime_days', 'date', 'is_planned', {'planned_h': 'downtime_h'}),
    ('int_downtime_days', 'date', 'not is_planned', {'unplanned_h': 'downtime_h'}),
] -%}

with

entries as (
    {% for model, moment, condition, amounts in entries %}
    select
        tenant_id,
        vehicle_id,
        {{ month_of(moment if moment.endswith('date') else utc_date(moment)) }} as month,
        null::bigint as in_service_h,
        {%- for amount in whole + measured %}
        sum({{ amounts.get(amount, '0') }}) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref(model) }}
    where vehicle_id is not null and {{ condition }}
    group by all

    union all
    {% endfor %}
    select
        tenant_id,
        vehicle_id,
        month,
        in_service_h,
        {%- for amount in whole + measured %}
        0 as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_vehicle_months') }}

),

monthly as (

    select
        tenant_id,
        vehicle_id,
        month,
        max(in_service_h) as in_service_h,
        {%- for amount in whole %}
        cast(sum({{ amount }}) as bigint) as {{ amount }},
        {%- endfor %}
        {%- for amount in measured %}
        cast(sum({{ amount }}) as double) as {{ amount }}{{ "," if not loop.last }}
        {%- endfor %}
    from entries
    group by all

)

-- Nothing in a month is zero only where the tenant records such things at all.
select
    tenant_id,
    vehicle_id,
    month,
    {%- for evidence, amounts in records.items() %}
    {%- for amount in amounts %}
    case when bool_or({{ evidence }}) over (partition by tenant_id) then {{ amount }} end as {{ amount }},
    {%- endfor %}
    {%- endfor %}
    in_service_h
from monthly
