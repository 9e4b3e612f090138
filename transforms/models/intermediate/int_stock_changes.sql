{#- What a day added to or took from a stock: something that ends on a day no longer counts that evening. -#}
{%- set stocks = [
    ('active_account_count', 'int_account_lifetimes', 'started_date', 'churned_at', '1'),
    ('mrr_cents', 'int_subscription_periods', 'started_date', 'ended_date', 'mrr_cents'),
    ('active_subscription_count', 'int_subscription_periods', 'started_date', 'ended_date', '1'),
    ('open_ticket_count', 'fct_tickets', 'opened_at', 'resolved_at', '1'),
    ('vehicle_count', 'int_vehicle_lifetimes', 'joined_date', 'retired_date', '1'),
] -%}

{%- for measure, model, first, last, quantity in stocks %}
select
    tenant_id,
    cast({{ first }} as date) as date,
    '{{ measure }}' as measure,
    cast({{ quantity }} as bigint) as amount
from {{ ref(model) }}
where {{ first }} is not null

union all

select
    tenant_id,
    greatest(cast({{ last }} as date), cast({{ first }} as date)) as date,
    '{{ measure }}' as measure,
    cast(-{{ quantity }} as bigint) as amount
from {{ ref(model) }}
where {{ first }} is not null and {{ last }} is not null
{% if not loop.last %}
union all
{% endif %}
{%- endfor %}
