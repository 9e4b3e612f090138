{% macro get_incremental_landed_sql(arguments) -%}
{#-
    Incremental strategy `landed`: rows whose key comes again are replaced, rows marked `_deleted` go.

    An older version of a row that arrives late, out of quarantine, does not replace a newer one. A new full load of a
    source voids what its earlier loads brought; the pipeline rebuilds everything then, so it needs no care here.
    The statements run in the materialization's transaction: wholly or not at all. Both probe the large table with the
    keys of the small one, which skips whatever lies outside of their range.
-#}
{%- set target = arguments.target_relation -%}
{%- set fresh = arguments.temp_relation -%}
{%- set key = arguments.unique_key -%}
{%- set columns = arguments.dest_columns | map(attribute='name') | join(', ') -%}

delete from {{ target }} as old
using {{ fresh }} as fresh
where old.{{ key }} = fresh.{{ key }}
    and coalesce(old._change_xid <= fresh._change_xid, true);

insert into {{ target }} ({{ columns }})
select {{ columns }} from {{ fresh }}
where not _deleted
    and {{ key }} not in (select {{ key }} from {{ target }} semi join {{ fresh }} using ({{ key }}))

{%- endmacro %}
