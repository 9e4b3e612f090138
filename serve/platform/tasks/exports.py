"""Exports as files: written by a task, fetched as long as they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

from serve.kernel.caller import Caller, Lacks
from serve.kernel.db import Transaction
from serve.kernel.errors import NotFound
from serve.kernel.resources.exports import EXPORTED, KIND, Plan
from serve.kernel.resources.files import MEDIA_TYPES
from serve.kernel.resources.streams import BATCH
from serve.kernel.tasks import Work, task
from serve.ports.storage import Aside, Storage


class ExportNotReady(NotFound):
    code, message = "EXPORT_NOT_READY", "There is no file of this task: it is not there yet, or not any more."


@task(KIND, queue="files")
async def export(work: Work) -> Any:
    """The rows as they are when it is done, as whoever asked for them may read them then."""
    resource, asked = EXPORTED[work.params["resource"]]
    caller = await work.person()
    check(caller, resource.name)
    wish = asked.model_validate(work.params["asked"] | {"format": work.params["format"]})
    plan = Plan.of(resource, wish, None, caller)
    storage: Storage = work.state.files.storage
    aside = await asyncio.to_thread(storage.aside)
    try:
        row_count = await _written(work, plan, caller, aside)

        async def keep(db: Transaction) -> Any:
            await plan.note(db)
            await asyncio.to_thread(storage.keep, aside, work.tenant_id, UUID(work.id))
            return {
                "resource": resource.name,
                "row_count": row_count,
                "name": plan.file_name,
                "media_type": MEDIA_TYPES[plan.kind].partition(";")[0],
                "size_bytes": aside.size_bytes,
                "sha256": aside.sha256,
                "url": f"/api/v1/tasks/{work.id}/file",
            }

        return await work.step("keep", keep)
    finally:
        await asyncio.to_thread(aside.discard)


async def _written(work: Work, plan: Plan, caller: Caller, aside: Aside) -> int:
    """The file in one snapshot of the rows; how many there are. It is begun anew by another run."""
    writer, count, told = plan.writer(), 0, 0
    try:
        async with (
            work.state.database.transaction(caller, request_id=work.request_id) as db,
            aclosing(db.rows(plan.sql, *plan.values, batch=BATCH)) as batches,
        ):
            await asyncio.to_thread(aside.write, writer.begin())
            async for batch in batches:
                await asyncio.to_thread(lambda rows: aside.write(writer.rows(rows)), batch)
                count += len(batch)
                if count - told >= 20 * BATCH:
                    await work.progress(done=count)  # and hears whether it was stopped
                    told = count
        while piece := await asyncio.to_thread(writer.end):
            await asyncio.to_thread(aside.write, piece)
    finally:
        writer.close()
    await asyncio.to_thread(aside.finish)
    await work.progress(done=count, total=count)
    return count


def check(caller: Caller, resource_name: str) -> None:
    """Raises Forbidden unless the caller may read what the export holds."""
    resource, _ = EXPORTED[resource_name]
    if resource.reading not in caller.permissions:
        raise Lacks(caller, resource.reading)


def file_of(task_row: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the file. Raises ExportNotReady."""
    if task_row["kind"] != KIND or task_row["status"] != "succeeded":
        raise ExportNotReady
    about = task_row["result"]
    return {
        "id": task_row["id"],
        "name": about["name"],
        "media_type": about["media_type"],
        "charset": None,
        "size_bytes": about["size_bytes"],
        "sha256": about["sha256"],
    }
