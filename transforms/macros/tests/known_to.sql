{% test known_to(model, column_name, to, field=none) %}
    {#- A value points to a row of `to` in the same tenant. -#}
    select child.{{ column_name }}
    from {{ model }} as child
    anti join {{ to }} as parent
        on child.tenant_id = parent.tenant_id and child.{{ column_name }} = parent.{{ field or column_name }}
    where child.{{ column_name }} is not null
{% endtest %}
