"""Files of rows on their way into a table, as tasks: the file waits in the storage under the import's id.

A run takes 500 rows at a time, like a bulk call of so many; what it did is counted in the transaction that did it,
which is a step of the task. So a worker that dies goes on behind the last batch, and no row is taken in twice.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import IO, Any
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.errors import Forbidden, Problem, TooManyRequests
from serve.kernel.resources.batches import Result
from serve.kernel.resources.files.readers import Cells, Table, opened
from serve.kernel.tasks import Work, task

KIND = "resources.import"
BATCH = 500
MOST_WAITING = 20
MOST_ERRORS = 1000

Take = Callable[[Transaction, Sequence["Cells | Problem"]], Awaitable[list[Result]]]
"""Takes in rows; gives what became of each."""
Importer = Callable[[Table, Mapping[str, str], str], Take]
"""How the rows of a resource are taken in: (the file, the field of each of its columns, the mode)."""

IMPORTERS: dict[str, tuple[str, Importer]] = {}
"""By resource: the permission that it takes, and how."""

_WAITING = (
    "select count(*) as waiting from tasks where kind = $1 and status in ('queued', 'running', 'paused')"
)
_COUNT = """
    update imports set
        done_count = done_count + $2, created_count = created_count + $3, updated_count = updated_count + $4,
        unchanged_count = unchanged_count + $5, failed_count = failed_count + $6,
        errors = errors || coalesce((
            select jsonb_agg(e order by n) from jsonb_array_elements($7::jsonb) with ordinality l (e, n)
            where n <= $8 - jsonb_array_length(errors)
        ), '[]')
    where id = $1
"""


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
    _, importer = IMPORTERS[params["resource"]]
    async with _file(state.files.storage, work) as file:
        table = await asyncio.to_thread(opened, file, params["known"])
        take = importer(table, params["fields"], params["mode"])
        rows, first = table.rows(), 0
        while batch := await asyncio.to_thread(lambda: list(islice(rows, BATCH))):
            name = f"rows {first}"
            if not work.is_done(name):
                await _batch(work, name, batch, take)
            first += len(batch)
    await asyncio.to_thread(state.files.storage.remove, work.tenant_id, UUID(work.id))


async def _check_permission(work: Work) -> None:
    """What the person may do now, not when the file was sent. Raises Forbidden or PrincipalGone."""
    needed, _ = IMPORTERS[work.params["resource"]]
    caller = await work.person()
    if needed not in caller.permissions:
        raise Forbidden(f"Whoever sent the file has no permission {needed} any more.")


async def _batch(work: Work, name: str, batch: list[tuple[int, Any]], take: Take) -> None:
    """A step; of a dry run only what was counted."""
    fields = work.params["fields"]
    if work.params["is_dry_run"]:
        try:
            async with work.transaction() as db:
                counts, errors = await _rows(db, batch, take, fields)
                raise _RolledBack
        except _RolledBack:
            pass
        await work.step(name, partial(_note, work.id, counts, errors), counts=len(batch))
    else:

        async def taken(db: Transaction) -> None:
            await _note(work.id, *await _rows(db, batch, take, fields), db)

        await work.step(name, taken, counts=len(batch))


async def _rows(
    db: Transaction, batch: list[tuple[int, Any]], take: Take, fields: Mapping[str, str]
) -> tuple[Counter[str], list[dict[str, Any]]]:
    counts: Counter[str] = Counter()
    errors: list[dict[str, Any]] = []
    results = await take(db, [cells for _, cells in batch])
    for (line, _), result in zip(batch, results, strict=True):
        counts[result["status"]] += 1
        if result["error"]:
            errors += _said(fields, line, result["error"])
    return counts, errors


async def _note(import_id: str, counts: Counter[str], errors: list[dict[str, Any]], db: Transaction) -> None:
    numbers = [counts[status] for status in ("created", "updated", "unchanged", "failed")]
    await db.execute(_COUNT, import_id, counts.total(), *numbers, errors[:MOST_ERRORS], MOST_ERRORS)


def _said(fields: Mapping[str, str], line: int, error: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with one row: by field, where it is known, with the column as the file names it."""
    columns = {name: column for column, name in fields.items()}
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


@asynccontextmanager
async def _file(storage: Any, work: Work) -> AsyncIterator[IO[bytes]]:
    """The file as one of this machine's, wherever it is kept."""
    with tempfile.TemporaryFile() as near:
        await asyncio.to_thread(_copied, storage, work.tenant_id, UUID(work.id), near)
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
