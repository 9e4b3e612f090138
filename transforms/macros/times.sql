{% macro utc_date(moment) -%}
    {#- The UTC day of a moment, whatever the session's time zone. -#}
    make_timestamp(epoch_us({{ moment }}))::date
{%- endmacro %}


{% macro hours_between(earlier, later) -%}
    {#- Hours from one moment to another; empty while either is. -#}
    (epoch_us({{ later }}) - epoch_us({{ earlier }})) / 3.6e9
{%- endmacro %}
