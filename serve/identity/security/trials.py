"""Trying to cross from one tenant into another, with the very role, storage and reader that requests use.

The stranger is a tenant that does not exist, so nothing of anybody else is touched, and every statement is rolled back:
nothing stays. What is tried is what would be seen or written if the guards were not there; a trial that found nothing
to try itself on says so instead of claiming that the guard held.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

import asyncpg

from serve.kernel import isolation
from serve.kernel.db import Connection, Database
from serve.kernel.etag import answer_etag
from serve.ports.storage import Storage
from warehouse.releases import ReleaseError, ReleaseNotFound, ReleaseReader, Session
from warehouse.releases.guard import SqlRefused

Level = Literal["row", "file", "release", "cache"]
Outcome = Literal["held", "broken", "not_tried"]
LONGEST_MS = 5_000  # of one statement: on a large table, one that finds nothing should be quick
REFUSED = "refused"

_PARTITION_KEYS = """
    select c.relname as table_name, jsonb_agg(a.attname) as columns
    from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
    join pg_attribute a on a.attrelid = c.oid and a.attnum = any (p.partattrs::int2[])
    where c.relnamespace = 'public'::regnamespace group by 1
"""
_PARTITIONS = """
    select part.relname as partition from pg_inherits i
    join pg_class part on part.oid = i.inhrelid join pg_class c on c.oid = i.inhparent
    where c.relnamespace = 'public'::regnamespace and part.relkind = 'r' order by 1
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """``about`` is a table, a function, a file …; ``tried`` what was tried with it."""

    level: Level
    about: str
    tried: str
    outcome: Outcome
    found: str = ""


class Rows:
    """Trials of the database, as ``throughline_api``."""

    def __init__(self, connection: Connection, ours: UUID) -> None:
        self._connection, self._ours, self._stranger = connection, ours, uuid4()

    async def all(self) -> AsyncIterator[Trial]:
        for trial in await self._catalogue():
            yield trial
        keys = {row["table_name"]: row["columns"] for row in await self._connection.fetch(_PARTITION_KEYS)}
        for row in await self._connection.fetch(isolation.TABLES):
            async for trial in self._table(row["table_name"], keys.get(row["table_name"], [])):
                yield trial
        for table in isolation.UNREACHED:
            yield await self._nothing(table, "read_at_all", f"select from {table} limit 1")
        for row in await self._connection.fetch(_PARTITIONS):
            name = row["partition"]
            found = await self._try(name, f"select from {name} limit 1", acting=self._ours)
            held = found == REFUSED
            yield Trial(
                "row", name, "read_partition", "held" if held else "broken", "" if held else str(found)
            )
        for call in ("tenant_members()", "settled_events(0, 0, 100)"):
            sql = f"select from {call} where tenant_id = $1 limit 1"
            yield await self._nothing(call, "asked_as_stranger", sql, self._ours, acting=self._stranger)
            yield await self._nothing(call, "asked_without_tenant", sql, self._ours)

    async def _catalogue(self) -> list[Trial]:
        trials = []
        for query, name, shortcomings in (
            (isolation.TABLES, "table_name", isolation.table_shortcomings),
            (isolation.ROLES, "role", isolation.role_shortcomings),
            (isolation.FUNCTIONS, "function", isolation.function_shortcomings),
            (isolation.VIEWS, "view", isolation.view_shortcomings),
        ):
            for row in await self._connection.fetch(query):
                words = "; ".join(shortcomings(row))
                trials.append(Trial("row", row[name], "declared", "broken" if words else "held", words))
        return trials

    async def _table(self, table: str, key: list[str]) -> AsyncIterator[Trial]:
        ours, stranger = self._ours, self._stranger
        column = "id" if table == "tenants" else "tenant_id"
        of_ours = f"select from {table} where {column} = $1 limit 1"
        one = f"{column} = $1 and ctid = (select ctid from {table} where {column} = $1 limit 1)"
        umbrella: dict[str, Any] = {"acting": stranger, "reads": (stranger, ours)}

        yield await self._nothing(table, "read_without_tenant", f"select from {table} limit 1")
        yield await self._nothing(table, "read_as_stranger", of_ours, ours, acting=stranger)
        names, values = ", ".join([column, *key]), ", ".join(["$1", *("now()" for _ in key)])
        yield await self._refused(
            table, "insert_for_us", f"insert into {table} ({names}) values ({values})", ours, acting=stranger
        )
        has_rows = await self._try(table, of_ours, ours, acting=ours) == 1
        for tried, sql in (
            ("update_as_parent", f"update {table} set {column} = {column} where {one}"),
            ("delete_as_parent", f"delete from {table} where {one}"),
        ):
            trial = await self._nothing(table, tried, sql, ours, **umbrella)
            if trial.outcome == "held" and trial.found != REFUSED and not has_rows:
                trial = Trial("row", table, tried, "not_tried", "there is no row of ours to try it on")
            yield trial
        move = f"update {table} set {column} = $2 where {one}"
        given = await self._try(table, move, ours, stranger, acting=ours, reads=(ours, stranger))
        if given == 0:
            yield Trial("row", table, "give_away", "not_tried", "there is no row of ours to try it on")
        else:
            held = given == REFUSED
            yield Trial("row", table, "give_away", "held" if held else "broken", "" if held else str(given))

    async def _nothing(self, about: str, tried: str, sql: str, *values: Any, **who: Any) -> Trial:
        """Held when it is refused or reaches no row."""
        found = await self._try(about, sql, *values, **who)
        if found in (0, REFUSED):
            return Trial("row", about, tried, "held", REFUSED if found == REFUSED else "")
        if isinstance(found, str) and found.startswith("not tried"):
            return Trial("row", about, tried, "not_tried", found)
        return Trial(
            "row", about, tried, "broken", f"{found} rows were reached" if found == 1 else str(found)
        )

    async def _refused(self, about: str, tried: str, sql: str, *values: Any, **who: Any) -> Trial:
        found = await self._try(about, sql, *values, **who)
        held = found == REFUSED
        return Trial(
            "row", about, tried, "held" if held else "broken", "" if held else f"not refused: {found}"
        )

    async def _try(
        self, about: str, sql: str, *values: Any, acting: UUID | None = None, reads: tuple[UUID, ...] = ()
    ) -> int | str:
        """How many rows it reached, or that rights or row security refused. Always rolled back."""
        connection = self._connection
        tenants = ",".join(map(str, reads or ([acting] if acting else [])))
        await connection.execute(
            f"begin; set local statement_timeout = {LONGEST_MS}; set local lock_timeout = '2s';"
            f" select set_config('app.tenant_id', '{acting or ''}', true),"
            f" set_config('app.tenant_ids', '{tenants}', true), set_config('app.actor', 'platform', true)"
        )
        try:
            if sql.startswith("select"):
                return len(await connection.fetch(sql, *values))
            return int((await connection.execute(sql, *values)).rpartition(" ")[2])
        except asyncpg.InsufficientPrivilegeError as error:
            if _names(error, about):
                return REFUSED
            return f"only something behind it refused: {error}"  # such as the event of a row that was deleted
        except (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError):
            return "not tried to the end: it took too long"
        except asyncpg.PostgresError as error:  # so row security had let it through
            return f"it came as far as {type(error).__name__}"
        finally:
            await connection.execute("rollback")


def _names(error: Exception, about: str) -> bool:
    """Whether the refusal is of this table, and not of another that a trigger writes."""
    return re.search(rf"\b{re.escape(about)}\b", str(error)) is not None


async def of_rows(database: Database, ours: UUID) -> list[Trial]:
    async with database.connection() as connection:
        return [trial async for trial in Rows(connection, ours).all()]


def of_files(storage: Storage, ours: UUID, file_id: UUID | None) -> Iterator[Trial]:
    """``file_id`` is one of ours, if there is one. Blocks."""
    stranger = uuid4()
    for odd in (f"../{ours}", f"{ours}/..", "/etc"):
        try:
            storage.exists(odd, odd)  # type: ignore[arg-type]
        except ValueError:
            yield Trial("file", odd.replace(str(ours), "<tenant>"), "leave_the_folder", "held")
        else:
            yield Trial(
                "file", odd.replace(str(ours), "<tenant>"), "leave_the_folder", "broken", "taken for a path"
            )
    if file_id is None or not storage.exists(ours, file_id):
        yield Trial("file", "a file of ours", "open_as_stranger", "not_tried", "there is no file of ours")
        return
    try:
        storage.open(stranger, file_id).close()
    except FileNotFoundError:
        yield Trial("file", "a file of ours", "open_as_stranger", "held")
    else:
        yield Trial("file", "a file of ours", "open_as_stranger", "broken", "another tenant's folder has it")


def of_releases(reader: ReleaseReader, ours: UUID) -> Iterator[Trial]:
    """Every published table as a stranger, and the ways around the views. Blocks."""
    try:
        with reader.query(uuid4()) as session:
            for table in sorted(session.release.rows):
                yield published(session, table)
            for tried, sql in {
                "become_another_tenant": f"set variable tenant_id = '{ours}'",
                "read_below_the_views": f"select * from base.{min(session.release.rows)}",
            }.items():
                try:
                    session.fetch(sql)
                except SqlRefused:
                    yield Trial("release", "the reader", tried, "held")
                else:
                    yield Trial("release", "the reader", tried, "broken", "it was let through")
    except ReleaseNotFound:
        yield Trial(
            "release", "the reader", "read_as_stranger", "not_tried", "nothing has been published yet"
        )


def published(session: Session, table: str) -> Trial:
    columns = session.fetch(f'select * from marts."{table}" limit 0').columns
    if "tenant_id" not in columns:
        return Trial(
            "release", table, "read_as_stranger", "not_tried", "the same for all: it belongs to no tenant"
        )
    try:
        shown = session.fetch(f'select count(*) from marts."{table}"').rows[0][0]
    except ReleaseError as error:
        return Trial("release", table, "read_as_stranger", "not_tried", type(error).__name__)
    if shown:
        return Trial("release", table, "read_as_stranger", "broken", f"{shown} rows are shown to nobody")
    return Trial("release", table, "read_as_stranger", "held")


def of_cache(ours: UUID) -> Iterator[Trial]:
    """The same question of two tenants never has one name in the memory of answers."""
    asked = ("release", "/api/v1/dashboard", b"{}", "json")
    release, route, parameters, kind = asked
    mine, theirs = (answer_etag(release, tenant, route, parameters, kind) for tenant in (ours, uuid4()))
    held = mine != theirs
    yield Trial("cache", "names of answers", "ask_as_stranger", "held" if held else "broken")


def counted(trials: list[Trial]) -> Mapping[str, Any]:
    """As it is stored: what held by what it was about, and everything else in full."""
    held: dict[tuple[str, str], list[str]] = {}
    for trial in trials:
        if trial.outcome == "held":
            held.setdefault((trial.level, trial.about), []).append(trial.tried)
    findings = [asdict(each) for each in trials if each.outcome != "held"]
    counts = {
        outcome: sum(each.outcome == outcome for each in trials)
        for outcome in ("held", "broken", "not_tried")
    }
    return {
        "outcome": "broken" if counts["broken"] else "held",
        **{f"{outcome}_count": count for outcome, count in counts.items()},
        "held": [{"level": level, "about": about, "tried": tried} for (level, about), tried in held.items()],
        "findings": findings,
    }
