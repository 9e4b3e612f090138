{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Schemas bear exactly the configured name, without the target's as a prefix. -#}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
