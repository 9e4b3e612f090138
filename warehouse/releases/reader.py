"""How the API reads: the open current release, one cursor a query, moves to a new release between queries."""

import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from warehouse.releases.guard import check_select
from warehouse.releases.store import (
    POINTER,
    ReleaseError,
    ReleaseInfo,
    ReleaseNotFound,
    choose,
)
from warehouse.releases.watch import Watch

_log = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S = 30.0
DEFAULT_MAX_ROWS = 100_000
_BATCH_ROWS = 10_000
_MOST_IDLE = 64  # a new cursor costs 0.2 ms, an idle one memory


class TooManyRows(ReleaseError):
    """The answer has more rows than the caller allowed; nothing of it is returned."""


class Rows(NamedTuple):
    columns: list[str]
    rows: list[tuple[Any, ...]]


def open_sandboxed(path: Path, *, threads: int = 2, memory_limit: str = "1GB") -> duckdb.DuckDBPyConnection:
    """A connection that reads this one file and nothing else, and cannot be talked out of it."""
    conn = duckdb.connect(
        str(path),
        read_only=True,
        config={
            "enable_external_access": "false",
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": str(threads),
            "memory_limit": memory_limit,
            "temp_directory": "",  # a query too large for the memory limit fails instead of filling the disk
        },
    )
    # A process that opens the file twice gets one instance, locked already.
    if conn.execute("select current_setting('lock_configuration')").fetchall() == [(False,)]:
        conn.execute("set global timezone = 'UTC'")  # or days would begin at the server's midnight
        conn.execute("set global lock_configuration = true")
    return conn


@dataclass(slots=True)
class _Open:
    """One release in use. A cursor belongs to one tenant for life, so no tenant can inherit another's."""

    info: ReleaseInfo
    conn: duckdb.DuckDBPyConnection
    semantic_manifest: str | None
    users: int = 0
    is_retired: bool = False
    idle: dict[uuid.UUID, list[duckdb.DuckDBPyConnection]] = field(default_factory=lambda: defaultdict(list))
    idle_count: int = 0

    def close(self) -> None:
        for cursors in self.idle.values():
            for cursor in cursors:
                cursor.close()
        self.conn.close()


class Session:
    """Queries of one tenant on one release, one after the other; for one thread."""

    def __init__(
        self,
        opened: _Open,
        tenant_id: uuid.UUID,
        cursor: duckdb.DuckDBPyConnection,
        watch: Watch,
    ):
        self.release = opened.info
        self.semantic_manifest = opened.semantic_manifest
        self.tenant_id = tenant_id
        self._cursor = cursor
        self._watch = watch

    def fetch(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        max_rows: int = DEFAULT_MAX_ROWS,
    ) -> Rows:
        """The answer as Python values. Parameters are named (`$name`) and must match the statement exactly.

        Raises SqlRefused, QueryTimeout, TooManyRows, or duckdb.Error for a statement that is wrong.
        """
        check_select(sql)
        with self._watch.limit(self._cursor, timeout_s):
            result = self._cursor.execute(sql, dict(params or {}))
            columns = [column[0] for column in result.description or ()]
            rows = result.fetchmany(max_rows + 1)
            if len(rows) > max_rows:
                raise TooManyRows(f"the answer has more than {max_rows:,} rows")
            self._cursor.complete()
        return Rows(columns, rows)

    def fetch_arrow(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        max_rows: int = DEFAULT_MAX_ROWS,
    ) -> pa.Table:
        """The answer as an Arrow table; otherwise like `fetch`."""
        check_select(sql)
        count, batches = 0, []
        with self._watch.limit(self._cursor, timeout_s):
            reader = self._cursor.sql(sql, params=dict(params or {})).to_arrow_reader(_BATCH_ROWS)
            for batch in reader:
                count += batch.num_rows
                if count > max_rows:
                    raise TooManyRows(f"the answer has more than {max_rows:,} rows")
                batches.append(batch)
        return pa.Table.from_batches(batches, schema=reader.schema)


class ReleaseReader:
    """Thread-safe access to the current release; one a process.

    Every `check_every_ms` one caller looks at the pointer file (a stat, about 5 µs). When it changed, that
    caller opens the new release while the others go on with the old, which is closed when its last query ends.
    """

    def __init__(
        self,
        releases: Path,
        *,
        check_every_ms: float = 250.0,
        threads: int = 2,
        memory_limit: str = "1GB",
    ) -> None:
        self._releases = releases
        self._check_every_s = check_every_ms / 1000
        self._threads = threads
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        self._moving = threading.Lock()
        self._next_check = 0.0
        self._seen: tuple[int, ...] | None = ()  # the pointer file as last seen; None: there was none
        self._open: _Open | None = None
        self._problem: str | None = None
        self._watch = Watch()

    @property
    def release(self) -> ReleaseInfo:
        """The release that the next query will read. Raises ReleaseNotFound before the first publish."""
        with self._pinned() as opened:
            return opened.info

    @property
    def problem(self) -> str | None:
        """Why readers are on another release than `current` names, in words; None when all is well."""
        return self._problem

    def peek(self) -> str | None:
        """The id of the release that the next query will read; None when that query has to open one first.

        Costs a stat at most, so an event loop may call it.
        """
        opened = self._open
        if opened is None or time.monotonic() < self._next_check:
            return None if opened is None else opened.info.id
        if self._signature() != self._seen:
            return None
        with self._lock:
            if self._open is not opened:
                return None
            self._next_check = time.monotonic() + self._check_every_s
        return opened.info.id

    @contextmanager
    def query(self, tenant_id: uuid.UUID | str) -> Iterator[Session]:
        """Hold the current release for one tenant; everything fetched inside comes from that one release.

        Raises ReleaseNotFound before the first publish, ValueError when `tenant_id` is not a UUID.
        """
        tenant = tenant_id if isinstance(tenant_id, uuid.UUID) else uuid.UUID(tenant_id)
        with self._pinned() as opened:
            cursor = self._take(opened, tenant)
            try:
                yield Session(opened, tenant, cursor, self._watch)
            except BaseException:
                cursor.close()  # it may hold half an answer
                raise
            self._give_back(opened, tenant, cursor)

    def fetch(
        self,
        tenant_id: uuid.UUID | str,
        sql: str,
        params: Mapping[str, Any] | None = None,
        **limits: Any,
    ) -> Rows:
        """One query in a session of its own: see `Session.fetch`."""
        with self.query(tenant_id) as session:
            return session.fetch(sql, params, **limits)

    def fetch_arrow(
        self,
        tenant_id: uuid.UUID | str,
        sql: str,
        params: Mapping[str, Any] | None = None,
        **limits: Any,
    ) -> pa.Table:
        """One query in a session of its own: see `Session.fetch_arrow`."""
        with self.query(tenant_id) as session:
            return session.fetch_arrow(sql, params, **limits)

    def close(self) -> None:
        """Close the release once its last query ends, and stop watching."""
        with self._lock:
            old, self._open = self._open, None
        self._retire(old)
        self._watch.stop()

    def _take(self, opened: _Open, tenant_id: uuid.UUID) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if opened.idle.get(tenant_id):
                opened.idle_count -= 1
                return opened.idle[tenant_id].pop()
        cursor = opened.conn.cursor()
        cursor.execute("set variable tenant_id = $tenant_id", {"tenant_id": str(tenant_id)}).complete()
        return cursor

    def _give_back(self, opened: _Open, tenant_id: uuid.UUID, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            if opened.idle_count < _MOST_IDLE:
                opened.idle_count += 1
                opened.idle[tenant_id].append(cursor)
                return
        cursor.close()

    @contextmanager
    def _pinned(self) -> Iterator[_Open]:
        # Whoever finds the check due does it; the others wait only while nothing is open yet.
        if time.monotonic() >= self._next_check and self._moving.acquire(blocking=self._open is None):
            try:
                if time.monotonic() >= self._next_check:
                    self._move()
            finally:
                self._moving.release()
        elif self._open is None:
            with self._moving:  # somebody is opening the first one
                pass
        with self._lock:
            opened = self._open
            if opened is None:
                raise ReleaseNotFound("nothing has been published yet")
            opened.users += 1
        try:
            yield opened
        except (duckdb.FatalException, duckdb.InternalException, duckdb.IOException):
            self._drop(opened)  # the file or the instance went bad under us: the next query chooses again
            raise
        finally:
            with self._lock:
                opened.users -= 1
                must_close = opened.is_retired and opened.users == 0
            if must_close:
                opened.close()

    def _move(self) -> None:
        """Open what `current` names now, if it is not what we have; keep what we have if that fails."""
        self._next_check = time.monotonic() + self._check_every_s
        seen = self._signature()
        if seen == self._seen and self._open is not None:
            return
        try:
            choice = choose(self._releases)
            if choice is not None and (self._open is None or self._open.info.id != choice.release.id):
                self._replace(choice.release)
        except (OSError, duckdb.Error) as error:
            self._report(f"the current release cannot be opened: {error}")
            return
        if choice is not None:
            self._report(choice.problem)
        elif seen is not None:
            self._report("there is no sound release to read")
        self._seen = seen

    def _replace(self, release: ReleaseInfo) -> None:
        conn = open_sandboxed(release.path, threads=self._threads, memory_limit=self._memory_limit)
        stored = conn.execute("select manifest from release.semantic_manifest").fetchone()
        opened = _Open(release, conn, stored[0] if stored else None)
        with self._lock:
            old, self._open = self._open, opened
        self._retire(old)

    def _drop(self, opened: _Open) -> None:
        with self._lock:
            if self._open is not opened:
                return
            self._open, self._next_check = None, 0.0
        self._retire(opened)

    def _retire(self, old: _Open | None) -> None:
        if old is not None:
            with self._lock:
                old.is_retired = True
                is_unused = old.users == 0
            if is_unused:
                old.close()

    def _signature(self) -> tuple[int, ...] | None:
        try:
            status = (self._releases / POINTER).stat()
        except FileNotFoundError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size)

    def _report(self, problem: str | None) -> None:
        if problem is not None and problem != self._problem:
            _log.error("releases: %s", problem)
        self._problem = problem
