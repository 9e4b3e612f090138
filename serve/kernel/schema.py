"""How tables are declared: one metadata, a few column words, and the columns every tenant table has.

A table is declared in its domain's ``models.py`` as an SQLAlchemy Core table. What the database adds on top
(row security, triggers, rights) is written once in ``serve/kernel/migrations/guards.py``.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.schema import SchemaItem

# The names that PostgreSQL gives by itself, so that migrations need not spell them.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Moment = DateTime(timezone=True)
_STANDING = text("deleted_at is null")


def required(name: str, type_: Any, *, default: str | None = None) -> Column[Any]:
    """A column that is never empty; ``default`` is an SQL expression evaluated by the server."""
    return Column(name, type_, nullable=False, server_default=text(default) if default else None)


def optional(name: str, type_: Any) -> Column[Any]:
    return Column(name, type_, nullable=True)


def choice(name: str, *values: str, empty: bool = False, default: str | None = None) -> Column[str]:
    """A text column that takes one of ``values``."""
    listed = ", ".join(f"'{value}'" for value in values)
    return Column(
        name,
        Text,
        CheckConstraint(f"{name} in ({listed})", name=name),
        nullable=empty,
        server_default=default,
    )


def between(name: str, type_: Any, low: float, high: float) -> Column[Any]:
    """A number from ``low`` to ``high``, both included, or empty."""
    return Column(name, type_, CheckConstraint(f"{name} between {low} and {high}", name=name), nullable=True)


def share(name: str) -> Column[float]:
    """A part of one, 0 to 1, or empty."""
    return between(name, Double, 0, 1)


def money(name: str, *, empty: bool = False) -> Column[int]:
    """An amount in minor units of the row's ``currency``."""
    return Column(name, BigInteger, nullable=empty)


def currency() -> Column[str]:
    """ISO 4217 code of every amount in the row."""
    return Column(
        "currency", Text, CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"), nullable=False
    )


def words(name: str) -> Column[Any]:
    """Some words, in the order in which they were given; none, not empty."""
    return Column(name, ARRAY(Text), nullable=False, server_default=text("'{}'::text[]"))


def attributes() -> Column[Any]:
    """What a source knows beyond our columns: a JSON object."""
    return required("attributes", JSONB, default="'{}'::jsonb")


def reference(
    name: str, table: str, *, empty: bool = False, owned: bool = False, indexed: bool = True
) -> Column[Any]:
    """The id of a row of the same tenant in ``table``.

    An ``owned`` row is deleted with the row that it names. The column is ``indexed`` unless the table
    declares a longer index that begins with it.
    """
    info = {"references": table, "owned": owned, "indexed": indexed}
    return Column(name, Uuid, nullable=empty, info=info)


def lookup(*columns: str) -> Index:
    """An index for a tenant's rows by ``columns``."""
    return Index(None, "tenant_id", *columns)


def word_index(column: str) -> Index:
    """An index for rows that have a word; a tenant's words are its own, so it needs no tenant."""
    return Index(None, column, postgresql_using="gin")


def asked_by(column: str) -> Index:
    """An index for a list of the rows that have a value of ``column``, the newest first: it gives them in that order,
    and counts them without looking at one."""
    return Index(None, "tenant_id", column, "created_at", "id", postgresql_where=_STANDING)


def ranged_by(column: str) -> Index:
    """An index for a list of the rows between two values of ``column``, or in its order."""
    return Index(None, "tenant_id", column, "id", postgresql_where=_STANDING)


def searched() -> Index:
    """An index for rows that have some words (``search`` of ``resource_table``).

    What is written waits in a list that every question reads to its end: 64 KiB of it, in place of 4 MiB.
    """
    return Index(
        None, "search_text", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": "64"}
    )


def unique(*columns: str) -> UniqueConstraint:
    """``columns`` are unique within a tenant."""
    return UniqueConstraint("tenant_id", *columns)


def row_id() -> Column[Any]:
    return Column("id", Uuid, nullable=False, server_default=text("uuidv7()"))


def created_at() -> Column[Any]:
    return required("created_at", Moment, default="now()")


def updated_at() -> Column[Any]:
    return required("updated_at", Moment, default="now()")


def change_xid() -> Column[int]:
    """Transaction that last wrote the row: the watermark of incremental extraction."""
    return Column(
        "change_xid", BigInteger, nullable=False, server_default=text("(pg_current_xact_id()::text)::bigint")
    )


def change_index() -> Index:
    """BRIN, because a B-tree here costs half of a bulk insert and ends HOT updates (measured)."""
    return Index(None, "change_xid", postgresql_using="brin", postgresql_with={"autosummarize": "true"})


def tenant_table(name: str, *items: SchemaItem) -> Table:
    """A table whose rows belong to one tenant, with its standard columns, keys and indexes.

    Every ``reference`` becomes a composite foreign key ``(tenant_id, x_id) -> (tenant_id, id)``: a row cannot
    point into another tenant.
    """
    return own_table(name, *items, change_index())


def own_table(name: str, *items: SchemaItem) -> Table:
    """A tenant table that is no business of the warehouse: nothing of it is extracted."""
    columns = [item for item in items if isinstance(item, Column)]
    rules = [item for item in items if not isinstance(item, Column)]
    return Table(
        name,
        metadata,
        row_id(),
        Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
        *columns,
        created_at(),
        updated_at(),
        change_xid(),
        PrimaryKeyConstraint("id"),
        unique("id"),
        *rules,
        *reference_keys(columns),
        *(lookup(column.name) for column in columns if column.info.get("indexed")),
    )


def resource_table(
    name: str,
    *items: SchemaItem,
    entity: str,
    personal: tuple[str, ...] = (),
    search: tuple[str, ...] = (),
    unrecorded: tuple[str, ...] = (),
    extracted: bool = True,
) -> Table:
    """A tenant table that a ``Resource`` serves: rows with an id of the client's, deleted softly, found by words.

    Its changes are recorded as events of ``entity``. ``personal`` columns are those of one person, encrypted there
    with the row's own key; ``unrecorded`` ones stay out of events. One that is not ``extracted`` is no business of the
    warehouse.
    """
    columns: list[Column[Any]] = [optional("external_id", Text), optional("deleted_at", Moment)]
    if personal:
        columns.append(optional("person_key", LargeBinary))
    if search:
        columns.append(Column("search_text", TSVECTOR, Computed(search_vector(search), persisted=True)))
    make = tenant_table if extracted else own_table
    table = make(name, *items, *columns, unique("external_id"), Index(None, "tenant_id", "created_at", "id"))
    table.info |= {"entity": entity, "personal": personal, "search": search, "unrecorded": unrecorded}
    return table


def search_vector(columns: Iterable[str]) -> str:
    """The SQL of what ``columns`` are found by: their words as they stand, because names have no language."""
    words = " || ' ' || ".join(f"coalesce({column}::text, '')" for column in columns)
    return f"to_tsvector('simple'::regconfig, {words})"


def reference_keys(columns: list[Column[Any]]) -> Iterator[ForeignKeyConstraint]:
    """The composite foreign keys of the ``reference`` columns among ``columns``."""
    for column in columns:
        if target := column.info.get("references"):
            yield ForeignKeyConstraint(
                ["tenant_id", column.name],
                [f"{target}.tenant_id", f"{target}.id"],
                ondelete="CASCADE" if column.info["owned"] else None,
            )
