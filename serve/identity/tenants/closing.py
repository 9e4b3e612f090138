"""A tenant is closed: exported, held for a time of grace, then erased.

The erasing is a task like others: killed at any moment it goes on where it was, because what is left to do is what is
left in the tables. It looks each time whether the grace time is over; the database does too.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from serve.identity.tenants import export as exporting
from serve.identity.tenants import service
from serve.identity.tenants.errors import GraceOver, TenantAtRest, TenantHasChildren
from serve.identity.tenants.schemas import Closing
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.tables import all_tables
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.kinds import going_on
from serve.ports.storage import Storage

log = logging.getLogger("throughline.tenants")

GRACE = timedelta(days=30)
BATCH = 10_000
ERASE = "tenants.erase"
KEPT = {
    "tenants": "that there was such a tenant, since when it is closed, and nothing more than its name",
    "tenant_closings": "the record of the closing: who wanted it, how much was erased",
    "tenant_slugs": "its names, so that nobody takes them while people still know them",
    "event_seals": "hashes of the audit trail: they prove that an exported history is whole, and hold nobody's data",
    "tombstones": "ids of deleted rows, until the warehouse has taken note",
    "released marts": "a release never changes; those with the tenant's figures expire within 30 days",
}
"""What stays of a closed tenant, and why. Its books are its own to keep: they are in the export."""

_ASK_PIPELINE = """
    insert into pipeline_requests (kind, params)
    values ('erase', jsonb_build_object(
        'ids', $2::jsonb, 'below_xid', pg_current_xact_id()::text::bigint, 'tenant_id', $1::text
    ))
"""

event(
    "tenant.closing",
    "The tenant stands still and will be erased: `after` says when.",
    permission="tenants:read",
)
event("tenant.reopened", "The tenant is not erased after all.", permission="tenants:read")
event(
    "tenant.closed", "Nothing is left of the tenant but the record of its closing.", permission="tenants:read"
)


async def close(db: Transaction, tenant_id: UUID, asked: Closing) -> Row:
    """Raises TenantNotFound, Forbidden, Invalid, TenantHasChildren or TenantAtRest."""
    tenant = await service.own(db, tenant_id)
    service.check_owner(db)
    if asked.confirm_slug != tenant["slug"]:
        raise Invalid(details=[("confirm_slug", "is not the slug of this tenant")])
    if await db.fetch_one(
        "select 1 from own_tenants() where parent_id = $1 and closed_at is null", tenant_id
    ):
        raise TenantHasChildren
    done = await db.fetch_one("select close_tenant($1, $2) as done", GRACE, going_on())
    if not done or not done["done"]:
        raise TenantAtRest
    exported = await ask_export(db)
    erase_after = datetime.now(UTC) + GRACE
    erasing = await enqueue(
        db, ERASE, {}, title="Erase the tenant", about=("tenant", tenant_id), not_before=erase_after
    )
    assert erasing is not None
    await db.execute(
        "insert into tenant_closings (tenant_id, reason, requested_by, erase_after, export_task_id, erase_task_id)"
        " select t.id, $2, $3, t.erase_after, $4, $5 from tenants t where t.id = $1",
        *(tenant_id, asked.reason, db.caller.user_id, exported["id"], erasing["id"]),
    )
    return await service.get(db, tenant_id)


async def reopen(db: Transaction, tenant_id: UUID) -> Row:
    """One that is not being closed stays as it is. Raises TenantNotFound, Forbidden or GraceOver."""
    tenant = await service.own(db, tenant_id)
    service.check_owner(db)
    if tenant["closing_since"] is None:
        return tenant
    done = await db.fetch_one("select reopen_tenant() as done")
    if not done or not done["done"]:
        raise GraceOver
    await db.execute(
        "update tasks set status = 'cancelled', finished_at = now()"
        " where kind = $2 and tenant_id = $1 and status in ('queued', 'running', 'failed')",
        *(tenant_id, ERASE),
    )
    await db.execute(
        "update tenant_closings set reopened_at = now() where tenant_id = $1 and reopened_at is null",
        tenant_id,
    )
    return await service.get(db, tenant_id)


async def ask_export(db: Transaction) -> Record:
    """The task."""
    about = ("tenant", db.caller.tenant_id)
    asked = await enqueue(db, exporting.KIND, {}, title="Export everything of the tenant", about=about)
    assert asked is not None
    return asked


async def newest_export(db: Transaction, tenant_id: UUID) -> dict[str, Any]:
    """What is known of the file. Raises TenantNotFound or ExportMissing."""
    await service.own(db, tenant_id, lock=False)
    found = await db.fetch_one(
        "select id, tenant_id, result from tasks where tenant_id = $1 and kind = $2 and status = 'succeeded'"
        " order by finished_at desc limit 1",
        *(tenant_id, exporting.KIND),
    )
    if found is None:
        raise exporting.ExportMissing
    about = {name: found["result"][name] for name in ("name", "media_type", "size_bytes", "sha256")}
    return {"id": found["id"], "tenant_id": found["tenant_id"], "charset": None, **about}


@task(ERASE, goes_on=True, most_attempts=50)
async def erase(work: Work) -> None:
    """Everything of the tenant, in the end this very task."""
    tenant_id = work.tenant_id

    async def people(db: Transaction) -> list[str]:
        return [row["id"] for row in await db.fetch("select people_of_alone($1) as id", tenant_id)]

    alone = await work.step("people", people)
    await _erase_files(work.state.files.storage, tenant_id)
    await _erase_rows(work)
    async with work.transaction() as db:
        await db.execute("select erase_people($1, $2)", tenant_id, alone)
    await _erase_rows(work)  # what was noted of all that meanwhile
    await _erase_files(work.state.files.storage, tenant_id)
    async with work.transaction() as db:
        await db.execute("select finish_closing($1, $2, $3)", tenant_id, work.id, KEPT)
    log.info("tenant %s is closed: nothing is left of it", tenant_id)


async def _erase_files(storage: Storage, tenant_id: UUID) -> None:
    for file_id in await asyncio.to_thread(storage.files, tenant_id):
        await asyncio.to_thread(storage.remove, tenant_id, file_id)


async def _erase_rows(work: Work) -> None:
    """Who may come in goes first; then each table before those that it refers to."""
    async with work.transaction() as db:
        found = {row["t"] for row in await db.fetch("select erasable_tables() as t")}
    declared = [str(table.name) for table in reversed(all_tables().sorted_tables)]
    ordered = [name for name in ("memberships", *declared) if name in found]
    ordered = [*sorted(found - {*ordered}), *dict.fromkeys(ordered)]
    for table in ordered:
        await work.progress(message=f"erasing {table}")
        gone = BATCH
        while gone == BATCH:
            async with work.transaction() as db:
                done = await db.fetch_one(
                    "select * from erase_tenant_rows($1, $2, $3, $4)", work.tenant_id, table, BATCH, work.id
                )
                assert done is not None
                if done["ids"]:
                    name = "telemetry" if table.startswith("archived_telemetry_") else table
                    await db.execute(_ASK_PIPELINE, str(work.tenant_id), {name: done["ids"]})
            gone = done["gone"]
