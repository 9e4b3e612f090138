{% macro landed(table, softly=false) -%}
{#-
    The landing rows of a table that this model has not taken yet, the newest version of each id.

    An increment asks for its watermark first, so that it stands as a number in the SQL and Parquet row groups below it
    are skipped. A full build drops deleted rows here; an increment passes them to the strategy `landed`.

    Few ids come twice, so only those are sorted: counting 10 million ids takes a quarter of the time and memory of a
    window over whole rows. The newest version is the one written last at the source (`_change_xid`); a row that comes
    back from quarantine late carries a high `_load` and an old `_change_xid`. Files have no `_change_xid`.

    `softly`: what somebody deleted in the store is as good as gone, and comes back when it is restored there.
-#}
{%- set watermark = newest_load(this) if is_incremental() else 0 -%}
with

fresh as {{ 'materialized' if is_incremental() else 'not materialized' }} (

    select * from {{ source('landing', table) }}
    where _load > {{ watermark }}

),

repeated as materialized (

    select id from fresh group by id having count(*) > 1

),

newest as (

    select * from fresh
    where id not in (select id from repeated)
    union all
    select * from fresh
    where id in (select id from repeated)
    qualify row_number() over (partition by id order by _change_xid desc nulls last, _load desc) = 1

)

select
    {%- if softly %} * replace (_deleted or deleted_at is not null as _deleted)
    {%- else %} *
    {%- endif %}
from newest
{%- if not is_incremental() %}
where not _deleted
    {%- if softly %} and deleted_at is null
    {%- endif %}
{%- endif %}
{%- endmacro %}


{% macro newest_load(relation) -%}
    {#- The highest load in a relation, as a number. -#}
    {%- if execute -%}
        {{ return(run_query("select coalesce(max(_load), 0) from " ~ relation).columns[0].values()[0]) }}
    {%- else -%}
        {{ return(0) }}
    {%- endif -%}
{%- endmacro %}
