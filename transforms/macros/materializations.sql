{#-
    Tables and increments in as few statements as DuckDB needs: it replaces a table in one statement, in a transaction.
    dbt's own do it by renaming, with grants, indexes and changed columns in mind, none of which we have; that took
    longer than most of our models. A model whose columns changed is built anew as a whole (see the pipeline).
-#}
{% materialization table, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') -%}
    {{ begin_as_table(target) }}
    {% call statement('main') -%}
        {{ replace_table(target) }}
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% materialization incremental, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = begin_as_table(target) -%}
    {% if existing is none or should_full_refresh() -%}
        {% call statement('main') -%}
            {{ replace_table(target) }}
        {%- endcall %}
    {%- else -%}
        {%- set fresh = '"' ~ target.identifier ~ '__fresh"' -%}
        {% call statement('fresh') -%}
            create or replace temp table {{ fresh }} as ({{ compiled_code }})
        {%- endcall %}
        {%- set strategy = context['take_in_' ~ (config.get('incremental_strategy') | replace('+', '_and_'))] -%}
        {% call statement('main') -%}
            {{ strategy(target, fresh, config.get('unique_key')) }};
            drop table {{ fresh }}
        {%- endcall %}
    {%- endif %}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% macro begin_as_table(target) -%}
    {#- Begin the transaction with the hooks; the table as it is, or none. What was a view until now goes. -#}
    {{ run_hooks(pre_hooks) }}
    {%- set existing = load_cached_relation(target) -%}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(existing) }}
{%- endmacro %}


{% macro replace_table(target) -%}
    create or replace table {{ target }} as ({{ compiled_code }})
{%- endmacro %}


{% macro take_in_landed(target, fresh, key) -%}
{#-
    Incremental strategy `landed`: rows whose key comes again are replaced, rows marked `_deleted` go.

    An older version of a row that arrives late, out of quarantine, does not replace a newer one. A new full load of a
    source voids what its earlier loads brought; the pipeline rebuilds everything then, so it needs no care here.
    Both statements probe the large table with the keys of the small one, which skips whatever lies outside of their
    range.
-#}
delete from {{ target }} as old
using {{ fresh }} as fresh
where old.{{ key }} = fresh.{{ key }}
    and coalesce(old._change_xid <= fresh._change_xid, true);

insert into {{ target }} by name
select * from {{ fresh }}
where not _deleted
    and {{ key }} not in (select {{ key }} from {{ target }} semi join {{ fresh }} using ({{ key }}))
{%- endmacro %}


{% macro take_in_delete_and_insert(target, fresh, key) -%}
{#- Incremental strategy `delete+insert`: the groups of rows that the increment made replace those of the same key. -#}
delete from {{ target }}
where {{ key }} in (select {{ key }} from {{ fresh }});

insert into {{ target }} by name
from {{ fresh }}
{%- endmacro %}
