"""Files of rows on their way into a table, as tasks: the file waits in the storage under the import's id.

A run takes 500 rows at a time, like a bulk call of so many; what it did is counted in the transaction that did it,
which is a step of the task. So a worker that dies goes on behind the last batch, and no row is taken in twice. Two
such transactions run beside each other (``lanes.py``).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import IO, Any
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.errors import Forbidden, Problem, TooManyRequests
from serve.kernel.idempotency import StillRunning
from serve.kernel.resources.batches import Readings, Result
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.errors import MetAnother
from serve.kernel.resources.files.readers import Cells, Table, opened
from serve.kernel.resources.lanes import AT_ONCE, Met, through
from serve.kernel.tasks import Work, task

KIND = "resources.import"
BATCH = 500
MOST_WAITING = 20
SPREAD_AFTER = 1_000
"""Rows after which the server looks at how many the tenant has by now, and again after twice as many."""


@dataclass(frozen=True, slots=True)
class Taking:
    """How rows of a file are taken in: read, which blocks and asks no database, then written."""

    read: Callable[[Sequence[Cells | Problem]], Readings]
    write: Callable[[Transaction, Readings], Awaitable[list[Result]]]


@dataclass(frozen=True, slots=True)
class Batch:
    name: str  # of the step
    lines: list[int]
    rows: Readings


Importer = Callable[[Table, Mapping[str, Any]], Taking]
"""How the rows of a resource are taken in: (the file, what was asked for)."""

IMPORTERS: dict[str, tuple[Resource, Importer]] = {}
"""By name: the resource, and how its rows are taken in."""

_WAITING = (
    "select count(*) as waiting from tasks where kind = $1 and status in ('queued', 'running', 'paused')"
)
_COUNT = """
    update imports set
        done_count = done_count + $2, created_count = created_count + $3, updated_count = updated_count + $4,
        unchanged_count = unchanged_count + $5, failed_count = failed_count + $6
    where id = $1
"""
_REJECT = """
    insert into import_rejects (tenant_id, import_id, line, mistakes)
    select $1, $2, r.line, r.mistakes from jsonb_to_recordset($3) r (line integer, mistakes jsonb)
    on conflict (tenant_id, import_id, line) do update set mistakes = excluded.mistakes
"""


_OF_OTHERS = {StillRunning.code, MetAnother.code}
"""What is said of a row because of somebody else at the same time: perhaps of our own other lane."""


class TooManyImports(TooManyRequests):
    code, message = "TOO_MANY_IMPORTS", "Other imports are waiting. Send the file again in a little while."


class _RolledBack(Exception):
    """The end of a batch of a dry run."""


async def check_room(db: Transaction) -> None:
    """Raises TooManyImports."""
    found = await db.fetch_one(_WAITING, KIND)
    if found is not None and found["waiting"] >= MOST_WAITING:
        raise TooManyImports(headers={"Retry-After": "60"})


@task(KIND, queue="files")
async def take_in(work: Work) -> Any:
    params, state = work.params, work.state
    await _check_permission(work)
    resource, importer = IMPORTERS[params["resource"]]
    async with kept_file(state.files.storage, work.tenant_id, UUID(work.id)) as file:
        table = await asyncio.to_thread(opened, file, params["known"])
        taking = importer(table, params)
        async with aclosing(_read_ahead(_batches(table, taking, work.is_done))) as batches:
            # What does more with a row, such as giving it a number, makes the second wait for the first.
            at_once = 1 if resource.does_more else AT_ONCE
            await through(batches, _names, partial(_batch, work, taking, Spread(resource.name)), at_once)
    # Otherwise it is kept for a while: the rejected rows are read from it (serve/platform/imports/rejects.py).
    if not await _has_rejects(work):
        await asyncio.to_thread(state.files.storage.remove, work.tenant_id, UUID(work.id))


def _batches(table: Table, taking: Taking, is_done: Callable[[str], bool]) -> Iterator[Batch]:
    """Those that are not done already. Blocks."""
    rows, first = table.rows(), 0
    while found := list(islice(rows, BATCH)):
        name = f"rows {first}"
        lines, cells = [line for line, _ in found], [cells for _, cells in found]
        if not is_done(name):
            yield Batch(name, lines, taking.read(cells))
        first += len(found)


def _names(batch: Batch) -> frozenset[str]:
    """What two batches must not have in common to be written in any order."""
    return frozenset(row.external_id for _, row in batch.rows.good if row.external_id is not None)


async def _read_ahead(batches: Iterator[Batch]) -> AsyncGenerator[Batch]:
    """Each of them, while the next is read by a thread."""
    coming = asyncio.create_task(asyncio.to_thread(next, batches, None))
    try:
        while (found := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, batches, None))
            yield found
    finally:
        await asyncio.wait({coming})  # the file is closed after us, not under the thread
        if not coming.cancelled():
            coming.exception()


async def _has_rejects(work: Work) -> bool:
    async with work.transaction() as db:
        return bool(await db.fetch("select from imports where id = $1 and failed_count > 0", work.id))


async def _check_permission(work: Work) -> None:
    """What the person may do now, not when the file was sent. Raises Forbidden or PrincipalGone."""
    resource, _ = IMPORTERS[work.params["resource"]]
    caller = await work.person()
    if resource.writing not in caller.permissions:
        raise Forbidden(f"Whoever sent the file has no permission {resource.writing} any more.")


class Spread:
    """What the planner knows of a table that grows quickly: it is kept from being wrong by more than a half."""

    def __init__(self, table: str) -> None:
        self.table, self.taken, self.next = table, 0, SPREAD_AFTER

    async def grown(self, work: Work, rows: int) -> None:
        self.taken += rows
        if self.taken >= self.next:
            self.next = 2 * self.taken
            async with work.transaction() as db:
                await db.execute("select spread_anew($1)", self.table)


async def _batch(work: Work, taking: Taking, spread: Spread, batch: Batch, is_alone: bool) -> None:
    """A step; of a dry run only what was counted. Raises Met, unless it ``is_alone``."""
    name, fields = batch.name, work.params["fields"]
    if work.params["is_dry_run"]:
        try:
            async with work.transaction() as db:
                counts, rejects = await _rows(db, batch, taking, fields, is_alone)
                raise _RolledBack
        except _RolledBack:
            pass
        await work.step(name, partial(_note, work, counts, rejects), counts=len(batch.lines))
    else:

        async def taken(db: Transaction) -> None:
            await _note(work, *await _rows(db, batch, taking, fields, is_alone), db)

        await work.step(name, taken, counts=len(batch.lines))
        await spread.grown(work, len(batch.lines))


async def _rows(
    db: Transaction, batch: Batch, taking: Taking, fields: Mapping[str, str], is_alone: bool
) -> tuple[Counter[str], list[dict[str, Any]]]:
    counts: Counter[str] = Counter()
    rejects: list[dict[str, Any]] = []
    for line, result in zip(batch.lines, await taking.write(db, batch.rows), strict=True):
        counts[result["status"]] += 1
        if result["error"]:
            if result["error"]["code"] in _OF_OTHERS and not is_alone:
                raise Met
            rejects.append({"line": line, "mistakes": said_of(fields, result["error"])})
    return counts, rejects


async def _note(work: Work, counts: Counter[str], rejects: list[dict[str, Any]], db: Transaction) -> None:
    if rejects:
        await db.execute(_REJECT, work.tenant_id, work.id, rejects)
    numbers = [counts[status] for status in ("created", "updated", "unchanged", "failed")]
    await db.execute(_COUNT, work.id, counts.total(), *numbers)


def said_of(fields: Mapping[str, str], error: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with one row: by field, where it is known, with the column as the file names it."""
    columns = {name: column for column, name in fields.items()}
    details = error["details"] or [{"field": None, "message": error["message"]}]
    return [
        {
            "column": columns.get(detail["field"]),
            "field": detail["field"],
            "code": error["code"],
            "message": detail["message"],
        }
        for detail in details
    ]


@asynccontextmanager
async def kept_file(storage: Any, tenant_id: UUID, import_id: UUID) -> AsyncIterator[IO[bytes]]:
    """The file as one of this machine's, wherever it is kept. Raises FileNotFoundError."""
    with tempfile.TemporaryFile() as near:
        await asyncio.to_thread(_copied, storage, tenant_id, import_id, near)
        yield near


def _copied(storage: Any, tenant_id: UUID, import_id: UUID, near: IO[bytes]) -> None:
    with storage.open(tenant_id, import_id) as kept:
        shutil.copyfileobj(kept, near)
    near.seek(0)


def keep(storage: Any, tenant_id: UUID, import_id: UUID, file: IO[bytes]) -> None:
    """Put the file where the task will look for it. Blocks."""
    aside = storage.aside()
    try:
        file.seek(0)
        while part := file.read(1 << 20):
            aside.write(part)
        aside.finish()
        storage.keep(aside, tenant_id, import_id)
    finally:
        aside.discard()
