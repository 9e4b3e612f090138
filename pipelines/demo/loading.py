"""Put a simulation into the migrated operational store: everything by COPY, in one transaction."""

import io
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import argon2
import polars as pl
import psycopg
from psycopg import sql

from pipelines.demo.calendar import AHEAD_DAYS
from pipelines.demo.increments import increment
from pipelines.demo.simulation import Simulation

T = TypeVar("T")

HASHER = argon2.PasswordHasher()
"""At the cost that the service has unless said otherwise: a cheaper hash would tell who is a known person."""

Progress = Callable[[str, int, int], None]
"""Called with the stage (`tables` or `telemetry`) and how much of how much is done."""


TABLES = 39
"""Tables of a simulation, telemetry aside."""


class LoadRefused(RuntimeError):
    """The store cannot take the demo; nothing was written."""


@dataclass(frozen=True)
class Login:
    """A demo person's way into one tenant; somebody in two tenants has the same password in both."""

    tenant: str
    email: str
    password: str = field(repr=False)
    role: str


@dataclass(frozen=True)
class LoadReport:
    is_new: bool
    """False when the demo tenants were there already; then nothing was written."""
    rows: dict[str, int]
    """Rows written by table."""
    seconds: float


def load(
    url: str,
    simulation: Simulation,
    *,
    passwords: Callable[[Sequence[Login]], None],
    hasher: argon2.PasswordHasher = HASHER,
    on_progress: Progress = lambda stage, done, total: None,
) -> LoadReport:
    """Write the simulation unless its tenants exist already.

    `url` names a superuser or a role that bypasses row security and may write every table: COPY does not work under
    row security. People's passwords are drawn here, anew in every installation, and handed to `passwords` for keeping
    just before the commit; should it fail, nothing is written. Killed at any moment, the load leaves nothing.

    Raises LoadRefused for a role without that right or a store that is not migrated.
    """
    began = time.monotonic()
    with psycopg.connect(url, autocommit=False) as connection:
        _check(connection)
        connection.execute("select pg_advisory_xact_lock(hashtext('throughline demo load'))")
        slugs = [world.profile.slug for world in simulation.worlds]
        if connection.execute("select 1 from tenants where slug = any(%s)", [slugs]).fetchone():
            return LoadReport(False, {}, time.monotonic() - began)
        connection.execute(
            "select ensure_telemetry_partitions(%s, %s)", [simulation.first_day, simulation.until]
        )
        rows, logins = _write(connection, simulation, hasher, on_progress)
        passwords(logins)
        connection.commit()
    return LoadReport(True, rows, time.monotonic() - began)


SUMMARISE = """
    select sum(brin_summarize_new_values(i.indexrelid))
    from pg_index i
    join pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
    join pg_am a on a.oid = c.relam
    where a.amname = 'brin' and c.relnamespace = 'public'::regnamespace
"""
"""Autovacuum does it in its own time; until then the first increments would read every page."""


def _check(connection: psycopg.Connection) -> None:
    may_bypass = connection.execute(
        "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
    ).fetchone()
    if may_bypass != (True,):
        raise LoadRefused(
            "the demo data is loaded by COPY, which needs a superuser or a role with BYPASSRLS "
            "that may write all tables; connect as one"
        )
    if connection.execute("select to_regclass('tenants')").fetchone() == (None,):
        raise LoadRefused("the store has no tables yet: run the migrations first")


def _write(
    connection: psycopg.Connection,
    simulation: Simulation,
    hasher: argon2.PasswordHasher,
    on_progress: Progress,
) -> tuple[dict[str, int], list[Login]]:
    rows: dict[str, int] = {}
    people = _People({world.tenant_id: world.profile.slug for world in simulation.worlds}, hasher)
    readings = simulation.reading_count
    for table, columns, height, text in _one_ahead(map(_as_csv, people.watch(simulation.frames()))):
        _copy(connection, sql.Identifier(table), columns, text)
        if table != "telemetry":
            # Without it, what an aborted load left (autovacuum counts no rows) makes the checks of references
            # scan whole tables: the next load then took 150 s instead of 15.
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(table)))
        rows[table] = rows.get(table, 0) + height
        if table == "telemetry":
            on_progress("telemetry", rows[table], readings)
        else:
            on_progress("tables", len(rows), TABLES)
    connection.execute(SUMMARISE)
    return rows, people.logins


class _People:
    """Gives the users their passwords on the way, and keeps who may log in where."""

    def __init__(self, slug_of_tenant: dict[str, str], hasher: argon2.PasswordHasher) -> None:
        self.slug_of_tenant, self._hasher = slug_of_tenant, hasher
        self.password_of_email: dict[str, str] = {}
        self.email_of_user: dict[str, str] = {}
        self.logins: list[Login] = []

    def watch(self, frames: Iterator[tuple[str, pl.DataFrame]]) -> Iterator[tuple[str, pl.DataFrame]]:
        for table, frame in frames:
            if table == "users":
                self.password_of_email = {email: secrets.token_urlsafe(9) for email in frame["email"]}
                self.email_of_user = dict(zip(frame["id"], frame["email"], strict=True))
                hashes = [self._hasher.hash(password) for password in self.password_of_email.values()]
                frame = frame.with_columns(password_hash=pl.Series(hashes))
            if table == "memberships":
                at_work = frame.filter(pl.col("state") == "active")
                for user, tenant, role in at_work.select("user_id", "tenant_id", "role").iter_rows():
                    email = self.email_of_user[user]
                    slug = self.slug_of_tenant[tenant]
                    self.logins.append(Login(slug, email, self.password_of_email[email], role))
            yield table, frame


def extend(url: str, simulation: Simulation, share: float = 0.01) -> dict[str, tuple[int, int]]:
    """Let a loaded store live on for that share of the history: rows added and changed by table.

    For measuring increments. Raises ValueError for a share beyond what was simulated ahead.
    """
    counts: dict[str, tuple[int, int]] = {}
    with psycopg.connect(url, autocommit=False) as connection:
        _check(connection)
        later = simulation.until + timedelta(days=AHEAD_DAYS)
        connection.execute("select ensure_telemetry_partitions(%s, %s)", [simulation.until, later])
        for table, new, changed in increment(simulation, share):
            _insert(connection, table, new)
            _update(connection, table, changed)
            before = counts.get(table, (0, 0))
            counts[table] = (before[0] + new.height, before[1] + changed.height)
        connection.commit()
    return counts


def _insert(connection: psycopg.Connection, table: str, frame: pl.DataFrame) -> None:
    _, columns, _, text = _as_csv((table, frame))
    _copy(connection, sql.Identifier(table), columns, text)


def _update(connection: psycopg.Connection, table: str, frame: pl.DataFrame) -> None:
    """Give the rows of these ids the frame's values; the store stamps `updated_at` itself."""
    if frame.is_empty():
        return
    frame = frame.drop("updated_at", strict=False)
    columns = [sql.Identifier(name) for name in frame.columns if name != "id"]
    names = {"table": sql.Identifier(table), "columns": sql.SQL(", ").join(columns)}
    connection.execute(
        sql.SQL(
            "create temporary table changed on commit drop as select id, {columns} from {table} limit 0"
        ).format(**names)
    )
    _, given, _, text = _as_csv((table, frame))
    _copy(connection, sql.Identifier("changed"), given, text)
    connection.execute(
        sql.SQL(
            "update {table} as t set ({columns}) = (select {columns} from changed where changed.id = t.id) "
            "where id in (select id from changed)"
        ).format(**names)
    )
    connection.execute("drop table changed")


def _copy(
    connection: psycopg.Connection, table: sql.Identifier, columns: list[str], text: memoryview
) -> None:
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(text)


def _as_csv(table_and_frame: tuple[str, pl.DataFrame]) -> tuple[str, list[str], int, memoryview]:
    """Exact: polars writes the shortest digits that read back as the same number; NULL is an empty field."""
    table, frame = table_and_frame
    text = io.BytesIO()
    frame.write_csv(text, include_header=False)
    return table, frame.columns, frame.height, text.getbuffer()


def _one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made while the one before is in use: the server is the slower side."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = maker.submit(next, items, None)
            yield item
