{% test adds_up(model, expression, within=0) %}
    {#- An identity such as `total_cents = net_cents + tax_cents`, written `total_cents - (net_cents + tax_cents)`,
        differs from zero by no more than `within`. A row where a part is unknown is not judged. -#}
    select * from {{ model }}
    where abs({{ expression }}) > {{ within }}
{% endtest %}
