{% test one_row_per(model, columns) %}
    {#- The columns are never empty and no two rows share them. -#}
    select {{ columns | join(', ') }}, count(*) as row_count
    from {{ model }}
    group by all
    having count(*) > 1 or {{ columns | join(' is null or ') }} is null
{% endtest %}
