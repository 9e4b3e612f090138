{#- Zero on days without rows, but only where the tenant records such rows at all; otherwise unknown (null). -#}
{%- macro zero_when_known(column) -%}
case when count({{ column }}) over (partition by tenant_id) > 0 then coalesce({{ column }}, 0) end
{%- endmacro -%}
