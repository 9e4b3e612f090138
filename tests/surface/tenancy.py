"""What the database itself promises about tenants, for every table with a tenant, as plain functions.

Like ``checks`` they raise AssertionError, and the sabotage tests call them with a guard taken away.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import psycopg
from psycopg import errors

from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.isolation import OWNERS_VIEWS, ROWS_OF_ALL
from warehouse.postgres import Address

RUNTIME_ROLES = ("api", "worker")


def tenant_tables(address: Address) -> list[str]:
    """Every table with a column ``tenant_id``; partitions are part of their table."""
    with psycopg.connect(address.url("super")) as connection:
        return [
            table
            for (table,) in connection.execute(
                "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
                " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
                " order by 1"
            ).fetchall()
        ]


def is_forced(address: Address, table: str) -> None:
    """Row security binds even the table's owner."""
    with psycopg.connect(address.url("super")) as connection:
        found = connection.execute(
            "select relrowsecurity, relforcerowsecurity from pg_class where oid = %s::regclass", (table,)
        ).fetchone()
    assert found == (True, True), f"{table}: enabled, forced = {found}"


def is_out_of_reach(address: Address, table: str, theirs: UUID, mine: UUID) -> None:
    """With a runtime role at work for ``mine``, and no filter, rows of ``theirs`` are neither seen nor written.

    ``theirs`` has at least one row. Nothing is kept: every transaction is rolled back.
    """
    with psycopg.connect(address.url("super")) as connection:
        count = f"select count(*) from {table} where tenant_id = %s"
        assert connection.execute(count, (theirs,)).fetchone() != (0,), f"no row in {table} to hide"
    for role in RUNTIME_ROLES:
        seen = _attempt(address, role, mine, f"select count(*) from {table} where tenant_id <> %s", mine)
        if (table, role) in ROWS_OF_ALL:
            assert seen not in (None, [(0,)]), f"{role} sees nothing of others in {table}: not for the list"
            continue
        assert seen in (None, [(0,)]), f"{role} sees {seen} rows of others in {table}"
        for statement in (
            f"delete from {table} where tenant_id <> %s",
            f"update {table} set tenant_id = tenant_id where tenant_id <> %s",
        ):
            done = _attempt(address, role, mine, statement, mine)
            assert done in (None, 0), f"{role}: {statement} reached {done} rows"
    nobody = _attempt(address, "api", None, f"select count(*) from {table}")
    assert nobody in (None, [(0,)]), f"without a tenant {nobody} rows of {table} are seen"


def is_refused_for_others(address: Address, table: str, theirs: UUID, mine: UUID) -> None:
    """A row cannot be given to another tenant, even to one whose rows may be read, nor taken from there."""
    with psycopg.connect(address.url("super")) as connection:
        values = minimal_row(connection, table, theirs)
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    for role in RUNTIME_ROLES:
        if (table, role) in ROWS_OF_ALL:
            continue
        made = _attempt(
            address, role, mine, f"insert into {table} ({names}) values ({places})", *values.values()
        )
        assert made is None, f"{role} made a row of another tenant in {table}"
        move = f"update {table} set tenant_id = %s where tenant_id = %s"
        for receiver, giver in ((theirs, mine), (mine, theirs)):
            moved = _attempt(address, role, mine, move, receiver, giver, reads=[mine, theirs])
            assert moved in (None, 0), f"{role} moved {moved} rows of {table} to and fro"


def _attempt(
    address: Address,
    role: str,
    tenant: UUID | None,
    statement: str,
    *values: Any,
    reads: list[UUID] | None = None,
) -> Any:
    """The rows or the count of rows; None where rights or row security refuse. Rolled back."""
    with psycopg.connect(address.url(role)) as connection:
        try:
            if tenant is not None:
                connection.execute(
                    "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
                    (str(tenant), ",".join(map(str, reads or [tenant]))),
                )
            cursor = connection.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else cursor.rowcount
        except errors.InsufficientPrivilege:
            return None
        except errors.IntegrityError as error:
            return f"as far as {error.diag.constraint_name}"
        finally:
            connection.rollback()


def views_run_as_who_asks(address: Address) -> None:
    with psycopg.connect(address.url("super")) as connection:
        views = connection.execute(
            "select relname, coalesce('security_invoker=true' = any(reloptions), false) from pg_class"
            " where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')"
        ).fetchall()
        assert {name for name, is_invoker in views if not is_invoker} == OWNERS_VIEWS.keys()
        for view in OWNERS_VIEWS:
            for role in RUNTIME_ROLES:
                allowed = connection.execute(
                    f"select has_table_privilege('throughline_{role}', %s, 'select')", (view,)
                ).fetchone()
                assert allowed == (False,), f"{role} may read {view}"


def runtime_roles_are_nobody_special(address: Address) -> None:
    """Neither superuser nor able to pass row security, nor owner of anything, nor member of who is."""
    with psycopg.connect(address.url("super")) as connection:
        for role in RUNTIME_ROLES:
            name = f"throughline_{role}"
            powers = connection.execute(
                "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication from pg_roles"
                " where rolname = %s",
                (name,),
            ).fetchone()
            assert powers == (False,), name
            owned = connection.execute(
                "select relname from pg_class where pg_get_userbyid(relowner) = %(role)s"
                " union all select proname from pg_proc where pg_get_userbyid(proowner) = %(role)s"
                " union all select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid"
                "  where pg_get_userbyid(m.member) = %(role)s",
                {"role": name},
            ).fetchall()
            assert owned == [], f"{name} owns or belongs to {owned}"


# Connections of the pool

CARRIED = "select " + ", ".join(
    f"coalesce(current_setting('app.{name}', true), '') as {name}"
    for name in ("tenant_id", "tenant_ids", "actor", "request_id")
)


def connections_carry_no_tenant(address: Address, tenant: UUID) -> None:
    """After a commit, an error, a cancellation and a swallowed error, a reused connection is nobody's."""
    asyncio.run(_use_and_look(address, tenant))


async def _use_and_look(address: Address, tenant: UUID) -> None:
    database = Database(lambda: address.url("api"), size=1)
    caller = Caller(
        user_id=uuid4(),
        email="o@example.com",
        tenant_id=tenant,
        tenant_ids=(tenant,),
        role="owner",
        permissions=frozenset(),
        token_id="t",
        expires_at_s=0,
    )

    async def work(statement: str) -> None:
        async with database.transaction(caller, request_id="r-1") as db:
            await db.fetch(statement)

    async def swallow() -> None:
        async with database.transaction(caller) as db:
            with contextlib.suppress(asyncpg.PostgresError):
                await db.fetch("select 1 / 0")

    async def cancelled() -> None:
        task = asyncio.create_task(work("select pg_sleep(30)"))
        await asyncio.sleep(0.05)
        task.cancel()
        await task

    async def fail() -> None:
        async with database.transaction(caller):
            raise LookupError

    ways: list[Callable[[], Any]] = [
        lambda: work("select 1"),
        lambda: work("select 1 / 0"),
        lambda: work("this is no SQL"),
        swallow,
        fail,
        cancelled,
    ]
    try:
        for use in [*ways, *reversed(ways)]:
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await use()
            async with database.connection() as connection:
                found = await connection.fetchrow(CARRIED)
            assert found is not None
            assert not any(found.values()), f"a reused connection carries {dict(found)}"
    finally:
        await database.close()


# A row for every table, by what the catalogue demands


def insert_row(connection: psycopg.Connection[Any], table: str, tenant: UUID) -> None:
    """A row that passes the table's checks; references and triggers are not asked (replica role, superuser)."""
    values = minimal_row(connection, table, tenant)
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    connection.execute("set local session_replication_role = replica")
    connection.execute(f"insert into {table} ({names}) values ({places})", list(values.values()))  # type: ignore[call-overload]


def minimal_row(connection: psycopg.Connection[Any], table: str, tenant: UUID) -> dict[str, Any]:
    """A value for every column that must have one."""
    columns = connection.execute(
        "select a.attname, format_type(a.atttypid, null), a.attnotnull,"
        " (a.atthasdef or a.attidentity <> '') from pg_attribute a"
        " where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''",
        (table,),
    ).fetchall()
    checks = " ".join(
        text
        for (text,) in connection.execute(
            "select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = 'c'",
            (table,),
        ).fetchall()
    )
    values = {
        name: tenant if name == "tenant_id" else _value(name, kind, checks)
        for name, kind, is_required, has_default in columns
        if name == "tenant_id" or (is_required and not has_default)
    }
    return values | MORE_VALUES.get(table, {})


MORE_VALUES: dict[str, dict[str, Any]] = {
    "budgets": {"month": "2026-01-01"},
    "api_keys": {"scopes": '["contacts:read"]'},
    "compliance_documents": {"vehicle_id": uuid4()},
    "files": {"size_bytes": 1},
    "notes": {"lead_id": uuid4()},
    "person_links": {"left_id": UUID(int=1), "right_id": UUID(int=2)},
    "privacy_requests": {"subject_id": uuid4()},
    "revocations": {"user_id": uuid4()},
    "schedules": {"cron": "0 0 * * *"},
}
"""Where the checks of a table ask for more than each column for itself."""

_VALUES: dict[str, Any] = {
    "text": "x",
    "integer": 1,
    "smallint": 1,
    "bigint": 0,
    "double precision": 0.5,
    "boolean": False,
    "date": "2026-01-31",
    "timestamp with time zone": datetime.now(UTC),  # telemetry has partitions around today
    "jsonb": "{}",
}


def _value(name: str, kind: str, checks: str) -> Any:
    if name == "currency":
        return "EUR"
    choice = re.search(rf"\({name} = ANY \(ARRAY\['([^']*)'", checks) or re.search(
        rf"\(\({name} = '([^']*)'", checks
    )
    if choice:
        return choice[1]
    if kind == "bytea":
        return uuid4().bytes
    return uuid4() if kind == "uuid" else _VALUES[kind]
