{% test same_total(model, expression, to, to_expression, only="true", to_only="true", within=0) %}
    {#- Each tenant's total is the same in both relations; nothing at all counts as 0. -#}
    with

    totals as (

        select tenant_id, {{ expression }} as total from {{ model }} where {{ only }} group by tenant_id

    ),

    expected as (

        select tenant_id, {{ to_expression }} as total from {{ to }} where {{ to_only }} group by tenant_id

    )

    select tenant_id, totals.total, expected.total as expected_total
    from totals
    full join expected using (tenant_id)
    where abs(coalesce(totals.total, 0) - coalesce(expected.total, 0)) > {{ within }}
{% endtest %}


{% test shares_of_one(model, column, group) %}
    {#- The shares of each group add up to 1. -#}
    select {{ group | join(', ') }}, sum({{ column }}) as total
    from {{ model }}
    group by all
    having abs(sum({{ column }}) - 1) > 1e-9
{% endtest %}


{% test holds(model, condition) %}
    {#- The condition is true of every row, or unknown because a part of it is. -#}
    select * from {{ model }}
    where not ({{ condition }})
{% endtest %}
