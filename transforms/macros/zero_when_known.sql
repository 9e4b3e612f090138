{#- Zero where a row is missing, but only where the group has such rows at all; otherwise unknown (null). -#}
{%- macro zero_when_known(column, group) -%}
case when count({{ column }}) over (partition by {{ group | join(', ') }}) > 0 then coalesce({{ column }}, 0) end
{%- endmacro -%}
