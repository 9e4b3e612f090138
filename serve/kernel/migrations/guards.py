"""What the database adds to every tenant table: row security, change stamps, tombstones and rights.

Migrations call ``guard_tenant_table`` when they create a table and again when they add a column to one
(rights are given by column); it replaces what was there.
"""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from alembic import op

from serve.kernel.schema import search_vector

# The SELECT inside is not for looks: a bare expression is evaluated while the plan is made, when a guarded
# statement has not set it yet; the planner then expects no rows and sorts ten thousand instead of reading
# fifty in the index's order.
READ = (
    "any ((select string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[])::uuid[])"
)
WRITE = "nullif(current_setting('app.tenant_id', true), '')::uuid"
WRITERS = "throughline_api, throughline_worker"
RESOURCE_COLUMNS = ("external_id", "deleted_at", "person_key", "search_text")
BY_STATEMENT = {
    "record_created": "insert on {table} referencing new table as made",
    "record_changed": "update on {table} referencing old table as gone new table as made",
    "record_removed": "delete on {table} referencing old table as gone",
}
"""The triggers that write events: rows of all three are named differently, so there are three."""
KEYS = ("name_key", "email_key", "phone_key", "company_key")  # what people are compared by: never extracted


def guard_tenant_table(
    table: str,
    *,
    hidden: Collection[str] = (),
    scores: Collection[str] = (),
    extracted: bool = True,
) -> None:
    """Give ``table`` everything that a tenant table must have.

    ``hidden`` columns are never shown to the extraction role, nor are ``scores``, which the pipeline writes
    back: they don't stamp a change either, or every scoring would extract all rows again. A table that is not
    ``extracted`` is no business of the warehouse at all.
    """
    secure(table, tenant_column="tenant_id")
    columns = column_names(table)
    stamp(table, [column for column in columns if column not in scores])
    run(f"grant select, delete on {table} to {WRITERS}")
    writable = ", ".join(column for column in columns if column not in generated_names(table))
    run(f"grant insert ({writable}), update ({writable}) on {table} to {WRITERS}")
    if extracted:
        leave_tombstones(table)
        index = f"{table}_change_xid_idx"
        run(f"create index if not exists {index} on {table} using brin (change_xid) with (autosummarize)")
        show(table, hidden={*hidden, *scores, *RESOURCE_COLUMNS, *KEYS} - {"deleted_at"})


def become_resource(
    table: str,
    *,
    entity: str,
    personal: Collection[str] = (),
    search: Collection[str] = (),
    unrecorded: Collection[str] = (),
) -> None:
    """Give ``table`` what ``resource_table`` declares beyond a tenant table; call ``guard_tenant_table`` after it."""
    run(f"alter table {table} add external_id text, add deleted_at timestamptz")
    run(f"alter table {table} add unique (tenant_id, external_id)")
    run(f"create index on {table} (tenant_id, created_at, id)")
    if personal:
        run(f"alter table {table} add person_key bytea")
    if search:
        run(
            f"alter table {table} add search_text tsvector generated always as ({search_vector(search)}) stored"
        )
    record_events(table, entity=entity, personal=personal, unrecorded=unrecorded)


def create_resource(
    table: str,
    columns: str,
    *,
    entity: str,
    references: Mapping[str, str] | None = None,
    personal: Collection[str] = (),
    search: Collection[str] = (),
    unrecorded: Collection[str] = (),
    extracted: bool = True,
) -> None:
    """A new table as ``resource_table`` declares it; ``columns`` is SQL, ``references`` names tables by column."""
    run(
        f"create table {table} (id uuid primary key default uuidv7(), tenant_id uuid not null references tenants,"
        f" {columns}, created_at timestamptz not null default now(), updated_at timestamptz not null default now(),"
        " change_xid bigint not null default (pg_current_xact_id()::text)::bigint, unique (tenant_id, id))"
    )
    for column, target in (references or {}).items():
        run(f"alter table {table} add foreign key (tenant_id, {column}) references {target} (tenant_id, id)")
        run(f"create index on {table} (tenant_id, {column})")
    become_resource(table, entity=entity, personal=personal, search=search, unrecorded=unrecorded)
    guard_tenant_table(table, hidden=personal, extracted=extracted)


def record_events(
    table: str, *, entity: str, personal: Collection[str] = (), unrecorded: Collection[str] = ()
) -> None:
    """Every change of a row becomes an event; ``personal`` values are in it only encrypted."""
    unread = [
        name
        for name in ("created_at", "person_key", "search_text", *unrecorded)
        if name in column_names(table)
    ]
    record(table, [entity, ",".join(personal), ",".join(unread)])


def record(table: str, arguments: Collection[str]) -> None:
    """The triggers that write events, or in a schema before 0060 the one."""
    listed = ", ".join(f"'{each}'" for each in arguments)
    if op.get_bind().scalar(sa.text("select to_regprocedure('record_events()')")) is None:
        run(
            f"create or replace trigger record_event after insert or update or delete on {table} "
            f"for each row execute function record_event({listed})"
        )
        return
    for trigger, when in BY_STATEMENT.items():
        run(
            f"create or replace trigger {trigger} after {when.format(table=table)} "
            f"for each statement execute function record_events({listed})"
        )


def secure(table: str, *, tenant_column: str) -> None:
    """Row security: read any of ``app.tenant_ids``, write only as ``app.tenant_id``.

    Four policies, not one: were the read list also the condition of UPDATE and DELETE, an umbrella tenant
    could delete its children's rows, or take one over by setting its tenant.
    """
    readable, own = f"({tenant_column} = {READ})", f"({tenant_column} = {WRITE})"
    policies = {
        "tenant_reads": f"for select using {readable}",
        "tenant_inserts": f"for insert with check {own}",
        "tenant_updates": f"for update using {own} with check {own}",
        "tenant_deletes": f"for delete using {own}",
    }
    run(f"alter table {table} enable row level security")
    run(f"alter table {table} force row level security")
    for name, rule in policies.items():
        run(f"drop policy if exists {name} on {table}")
        run(f"create policy {name} on {table} {rule}")


def stamp(table: str, columns: Collection[str]) -> None:
    """Note the writing transaction whenever an UPDATE names one of ``columns``.

    Computed ones are left out: where a trigger runs before, PostgreSQL takes them all for updated by every UPDATE.
    """
    argument = "'updated_at'" if "updated_at" in columns else ""
    named = ", ".join(column for column in columns if column not in generated_names(table) - {"change_xid"})
    run(
        f"create or replace trigger stamp_change before update of {named} on {table} "
        f"for each row execute function stamp_change({argument})"
    )


def leave_tombstones(table: str) -> None:
    """Note every deleted row; TRUNCATE, which has no rows to note, is refused."""
    run(
        f"create or replace trigger leave_tombstones after delete on {table} referencing old table as gone "
        "for each statement execute function leave_tombstones()"
    )
    run(
        f"create or replace trigger refuse_truncate before truncate on {table} "
        "for each statement execute function refuse_truncate()"
    )


def show(table: str, *, hidden: Collection[str] = ()) -> None:
    """Let the extraction role read all columns but the ``hidden`` ones.

    ``ctid`` too, the place in the heap: a large table is read in several slices of it at once.
    """
    shown = ", ".join(column for column in column_names(table) if column not in hidden)
    run(f"revoke all on {table} from throughline_extract")
    run(f"grant select ({shown}, ctid) on {table} to throughline_extract")


def unseen(table: str) -> list[str]:
    """The columns that the extraction does not read at this moment, new ones among them."""
    asked = sa.text(
        "select attname from pg_attribute where attrelid = cast(:table as regclass) and attnum > 0"
        " and not attisdropped and not has_column_privilege('throughline_extract', attrelid, attnum, 'select')"
    )
    return list(op.get_bind().scalars(asked, {"table": table}))


def column_names(table: str) -> list[str]:
    return [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]


def generated_names(table: str) -> set[str]:
    """Columns that writers never give: computed ones, and the change stamp that they could falsify."""
    columns = sa.inspect(op.get_bind()).get_columns(table)
    return {column["name"] for column in columns if "computed" in column} | {"change_xid"}


def run(statement: str) -> None:
    """Execute SQL as it stands; ``%`` in it has no meaning."""
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statement)
