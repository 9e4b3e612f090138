{% macro month_of(date) -%}
    {#- The first day of a date's month. -#}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}
