{#- What happened on a day, in long form: one block a measure, each on the day it happened. -#}
{%- set counts = [
    ('invoice_count', 'int_invoice_amounts', 'issued_at', 'not is_return'),
    ('job_count', 'fct_jobs', 'requested_at', 'true'),
    ('completed_job_count', 'fct_jobs', 'completed_at', "status = 'completed'"),
    ('late_job_count', 'fct_jobs', 'coalesce(due_at, completed_at)', 'is_late'),
    ('lead_count', 'fct_leads', 'created_date', 'true'),
    ('won_lead_count', 'fct_leads', 'won_at', "status = 'won'"),
    ('lost_lead_count', 'fct_leads', 'lost_at', "status = 'lost'"),
] -%}
{%- set sums = [
    ('distance_km', 'fct_trips', 'started_at', 'distance_km'),
    ('fuel_cost_cents', 'fct_costs', 'date', "case when category = 'fuel' then amount_cents end"),
    ('downtime_h', 'int_downtime_days', 'date', 'downtime_h'),
] -%}

{%- for measure, model, moment, condition in counts %}
select
    tenant_id,
    {{ moment if moment.endswith('date') else utc_date(moment) }} as date,
    '{{ measure }}' as measure,
    cast(count(*) as double) as amount
from {{ ref(model) }}
where {{ condition }} and {{ moment }} is not null
group by all

union all
{% endfor %}
{%- for measure, model, moment, quantity in sums %}
select
    tenant_id,
    {{ moment if moment.endswith('date') else utc_date(moment) }} as date,
    '{{ measure }}' as measure,
    cast(sum({{ quantity }}) as double) as amount
from {{ ref(model) }}
group by all
{% if not loop.last %}
union all
{% endif %}
{%- endfor %}
