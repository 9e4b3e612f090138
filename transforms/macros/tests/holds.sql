{% test not_negative(model, column_name) %}
    select {{ column_name }} from {{ model }}
    where {{ column_name }} < 0
{% endtest %}


{% test between(model, column_name, low, high) %}
    {#- Known values lie from `low` to `high`, both included. -#}
    select {{ column_name }} from {{ model }}
    where {{ column_name }} not between {{ low }} and {{ high }}
{% endtest %}


{% test never_empty(model, columns) %}
    select {{ columns | join(', ') }} from {{ model }}
    where {{ columns | join(' is null or ') }} is null
{% endtest %}
