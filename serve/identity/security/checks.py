"""The live check of isolation: a task that tries to cross into another tenant, writes down what came of it, tells."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.identity.security import trials
from serve.identity.security.models import isolation_checks
from serve.identity.security.schemas import CheckFields, CheckRead
from serve.kernel.db import Record, Transaction
from serve.kernel.etag import PROGRAM
from serve.kernel.events import event, note_security
from serve.kernel.resources import Resource
from serve.kernel.tasks import Work, enqueue, task

BASE = "/api/v1/b2b/multi-tenant/data-isolation"
KIND = "security.check_isolation"
BROKEN = event(
    "isolation.broken",
    "A live check crossed from one tenant into another: `after` has what it tried, and the check that has the rest.",
    category="security",
)
_A_FILE = """
    select id from files where tenant_id = $1 and deleted_at is null and lost_at is null
    order by created_at desc limit 1
"""

checks = Resource(
    isolation_checks,
    fields=CheckFields,
    read=CheckRead,
    calls=("list", "get"),
    path=f"{BASE}/checks",
    permission="security",
)


async def begin(db: Transaction) -> Record:
    """Ask for a check as the caller's tenant."""
    asked = await enqueue(db, KIND, title="Try to cross into another tenant")
    assert asked is not None
    return asked


@task(KIND, most_attempts=3)
async def check(work: Work) -> dict[str, Any]:
    """What is tried leaves nothing, so a check that died is simply made again; its result is written once."""
    started_at = datetime.now(UTC)
    found = await _try(work)
    values: dict[str, Any] = {
        **trials.counted(found),
        "task_id": work.id,
        "user_id": work.caller.user_id if work.caller.user_id.int else None,
        "program": PROGRAM,
        "started_at": started_at,
        "finished_at": datetime.now(UTC),
    }

    async def keep(db: Transaction) -> dict[str, Any]:
        row = await checks.insert(db, values)
        if values["broken_count"]:
            tried = sorted({f"{each.about}: {each.tried}" for each in found if each.outcome == "broken"})
            detail = {"count": values["broken_count"], "tried": tried[:50]}
            await note_security(db, BROKEN, "isolation_check", row["id"], detail)
        return {
            "check_id": str(row["id"]),
            "outcome": values["outcome"],
            "broken_count": values["broken_count"],
        }

    result: dict[str, Any] = await work.step("keep", keep)
    return result


async def _try(work: Work) -> list[trials.Trial]:
    state, ours = work.state, work.tenant_id
    async with work.transaction() as db:
        file = await db.fetch_one(_A_FILE, ours)
    found = await trials.of_rows(state.database, ours)
    file_id = UUID(str(file["id"])) if file else None
    found += await asyncio.to_thread(lambda: list(trials.of_files(state.files.storage, ours, file_id)))
    found += await asyncio.to_thread(lambda: list(trials.of_releases(state.answers.reader, ours)))
    return [*found, *trials.of_cache(ours)]
