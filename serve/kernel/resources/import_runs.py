"""Files of rows on their way into a table, beside the requests.

A run takes 500 rows at a time, each row like one of a bulk call; what it did is counted in the transaction that did it.
It shows that it is alive every few seconds. One that has not for a while died with its process: whichever process looks
next says so. What it had done stays done.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import IO, Any

from serve.kernel.caller import Caller
from serve.kernel.db import Database, DatabaseUnavailable, Transaction
from serve.kernel.errors import Problem, TooManyRequests
from serve.kernel.resources.bulk import Outcome, outcome
from serve.kernel.resources.files.readers import Cells, Table

log = logging.getLogger("throughline.imports")

BATCH = 500
AT_ONCE = 2
MOST_WAITING = 20
MOST_ERRORS = 1000
ALIVE_S = 5.0
SILENT_S = 30.0
STOPPED = "The service was stopped before the end. What was counted as done stays done; send the file again."
DIED = "The service ended unexpectedly. What was counted as done stays done; send the file again."
OUR_FAULT = "Something went wrong on our side. What was counted as done stays done; the log has the cause."

_COUNT = """
    update imports set
        done_count = done_count + $2, created_count = created_count + $3, updated_count = updated_count + $4,
        unchanged_count = unchanged_count + $5, failed_count = failed_count + $6, errors = errors || $7::jsonb
    where id = $1 and status = 'running' returning id
"""
_END = "update imports set status = $2, error = $3, finished_at = now() where id = $1 and status = 'running'"
_ALIVE = "update imports set status = status where id = $1 and status = 'running'"
_SILENT = """
    select id, tenant_id from imports
    where status = 'running' and updated_at < now() - make_interval(secs => $1)
    for update skip locked
"""
_AS_PLATFORM = (
    "select set_config('app.tenant_id', $1, true), set_config('app.tenant_ids', $1, true),"
    " set_config('app.actor', 'platform', true)"
)


class TooManyImports(TooManyRequests):
    code, message = "TOO_MANY_IMPORTS", "Other imports are waiting. Send the file again in a little while."


class _Ended(Exception):
    """Somebody else has declared this run ended."""


class _RolledBack(Exception):
    """The end of a batch of a dry run."""


@dataclass(slots=True)
class Run:
    """One file for one table. ``fields`` are the fields behind the file's columns; ``each`` takes in one row."""

    id: str
    caller: Caller
    request_id: str
    file: IO[bytes]
    table: Table
    fields: Mapping[str, str]
    each: Callable[[Transaction, Any], Any]
    is_dry_run: bool
    said: int = field(default=0, init=False)  # errors that are kept

    @property
    def cause(self) -> str:
        """What every event of the run names; our own hexadecimal."""
        return f"select set_config('app.cause', '{self.id}', true);"


class Imports:
    """The runs of one process: two at a time, the others wait."""

    def __init__(self, database: Database, worker_database: Database) -> None:
        self._database, self._worker_database = database, worker_database
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self.most = AT_ONCE + MOST_WAITING

    def check_room(self) -> None:
        """Raises TooManyImports."""
        if len(self._tasks) >= self.most:
            raise TooManyImports(headers={"Retry-After": "60"})

    async def start(self, run: Run) -> None:
        task = asyncio.create_task(self._run(run), name=f"import {run.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End all runs where they are, and say so in their rows."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def bury(self, *, silent_s: float = SILENT_S) -> None:
        """Mark the runs of processes that are no more."""
        async with self._worker_database.transaction() as db:
            for silent in await db.fetch(_SILENT, silent_s):
                await db.execute(_AS_PLATFORM, silent["tenant_id"])
                await db.execute(_END, silent["id"], "failed", DIED)

    async def _run(self, run: Run) -> None:
        alive = asyncio.create_task(self._show_life(run))
        try:
            async with self._slots:
                await self._rows(run)
            await self._end(run, "done", None)
        except asyncio.CancelledError:
            await self._end(run, "failed", STOPPED)
            raise
        except _Ended:
            log.warning("import %s was declared ended while it ran", run.id)
        except Exception as error:
            log.exception("import %s failed", run.id)
            said = (
                f"{error.detail} What was counted as done stays done." if isinstance(error, Problem) else ""
            )
            await self._end(run, "failed", said or OUR_FAULT)
        finally:
            alive.cancel()
            run.file.close()

    async def _rows(self, run: Run) -> None:
        rows = run.table.rows()
        while batch := await asyncio.to_thread(lambda: list(islice(rows, BATCH))):
            counts: Counter[str] = Counter()
            errors: list[dict[str, Any]] = []
            with suppress(_RolledBack):
                async with self._transaction(run, also=run.cause) as db:
                    for line, cells in batch:
                        result = await outcome(db, cells, partial(_take, run, db))
                        counts[result["status"]] += 1
                        if result["error"]:
                            errors += _said(run, line, result["error"])
                    if run.is_dry_run:
                        raise _RolledBack
                    await _count(db, run, counts, errors)
            if run.is_dry_run:
                async with self._transaction(run) as db:
                    await _count(db, run, counts, errors)

    async def _end(self, run: Run, status: str, error: str | None) -> None:
        """Where the database is gone too, the run falls silent and is buried later."""
        with suppress(DatabaseUnavailable):
            async with self._transaction(run) as db:
                await db.execute(_END, run.id, status, error)

    async def _show_life(self, run: Run) -> None:
        while True:
            await asyncio.sleep(ALIVE_S)
            with suppress(DatabaseUnavailable):
                async with self._transaction(run) as db:
                    await db.execute(_ALIVE, run.id)

    def _transaction(self, run: Run, *, also: str = "") -> Any:
        return self._database.transaction(run.caller, request_id=run.request_id, also=also)


async def _take(run: Run, db: Transaction, cells: Cells | Problem) -> Outcome:
    if isinstance(cells, Problem):
        raise cells
    result: Outcome = await run.each(db, cells)
    return result


async def _count(db: Transaction, run: Run, counts: Counter[str], errors: list[dict[str, Any]]) -> None:
    kept = errors[: MOST_ERRORS - run.said]
    run.said += len(kept)
    numbers = [counts[status] for status in ("created", "updated", "unchanged", "failed")]
    if await db.fetch_one(_COUNT, run.id, counts.total(), *numbers, kept) is None:
        raise _Ended


def _said(run: Run, line: int, error: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with one row: by field, where it is known, with the column as the file names it."""
    columns = {name: column for column, name in run.fields.items()}
    details = error["details"] or [{"field": None, "message": error["message"]}]
    return [
        {
            "line": line,
            "column": columns.get(detail["field"]),
            "field": detail["field"],
            "code": error["code"],
            "message": detail["message"],
        }
        for detail in details
    ]
