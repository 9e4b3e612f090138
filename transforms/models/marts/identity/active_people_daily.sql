{#- Windows of time, in days, by the column that counts the people in them. -#}
{%- set windows = {'active_1d_count': 1, 'active_7d_count': 7, 'active_28d_count': 28} -%}

with

people_days as (

    select * from {{ ref('int_people_days') }}

),

days as (

    select
        tenant_id,
        cast(unnest(generate_series(first_active_date, data_until_date, interval 1 day)) as date) as date
    from {{ ref('int_identity_clock') }}
    where first_active_date is not null

),

-- A day at work counts until the next one of the same person, at most as long as the window: one person counts once.
changes as (

    {% for column, length in windows.items() -%}
    select
        tenant_id,
        date,
        '{{ column }}' as measure,
        1 as amount
    from people_days
    union all
    select
        tenant_id,
        least(date + {{ length }}, next_date) as date,
        '{{ column }}' as measure,
        -1 as amount
    from people_days
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

daily as (

    select
        tenant_id,
        date
        {%- for column in windows %},
        sum(amount) filter (where measure = '{{ column }}') as {{ column }}
        {%- endfor %}
    from changes
    group by all

)

select
    days.tenant_id,
    days.date
    {%- for column in windows %},
    cast(sum(coalesce(daily.{{ column }}, 0)) over to_here as bigint) as {{ column }}
    {%- endfor %}
from days
left join daily on days.tenant_id = daily.tenant_id and days.date = daily.date
window to_here as (partition by days.tenant_id order by days.date)
