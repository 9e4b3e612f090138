{% macro get_incremental_landed_sql(arguments) -%}
{#-
    Incremental strategy `landed`: rows whose key comes again are replaced, rows marked `_deleted` go.

    In models that read landing itself an older version of a row that arrives late, out of quarantine, does not replace
    a newer one. (A new full load of a source makes the pipeline rebuild everything, so it needs no care here.)
    The statements run in the materialization's transaction: wholly or not at all.
-#}
{%- set target = arguments.target_relation -%}
{%- set fresh = arguments.temp_relation -%}
{%- set key = [arguments.unique_key] if arguments.unique_key is string else arguments.unique_key -%}
{%- set names = arguments.dest_columns | map(attribute='name') | list -%}
{%- set columns = names | join(', ') -%}
{%- set versioned = '_change_xid' in names -%}
{%- set same_key -%}
    {%- for column in key %}{{ 'and ' if not loop.first }}old.{{ column }} = fresh.{{ column }} {% endfor -%}
{%- endset %}

delete from {{ target }} as old
using {{ fresh }} as fresh
where {{ same_key }}
    {%- if versioned %}
    and coalesce(old._change_xid <= fresh._change_xid, true)
    {%- endif %};

insert into {{ target }} ({{ columns }})
select {{ columns }} from {{ fresh }} as fresh
where not _deleted
    {%- if versioned %}
    and not exists (select 1 from {{ target }} as old where {{ same_key }})
    {%- endif %}

{%- endmacro %}
