"""What nobody needs any more is removed, and what is missing is noticed.

Bytes without a row (an upload died between the two), uploads that died on their way, rows deleted long ago, and rows
whose bytes are gone. Everything is looked at twice before it is touched, and nothing that is younger than the grace
period: what is going on at this moment looks just like that.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from serve.kernel.db import Database, Transaction
from serve.kernel.events import event
from serve.ports.storage import Storage

log = logging.getLogger("throughline.files")

GRACE_S = 6 * 3600.0
"""Longer than any upload takes."""

LOST = event("file.lost", "The content of the file is gone from the storage: look for a backup.")
FOUND = event("file.found", "The content of a file that was lost is back.")

_BATCH = 1_000
_AS_PLATFORM = (
    "select set_config('app.tenant_id', $1, true), set_config('app.tenant_ids', $1, true),"
    " set_config('app.actor', 'platform', true), set_config('app.event', $2, true)"
)
_KNOWN = """
    select id from files where id = any($1::uuid[]) and tenant_id = $2
    union all select id from imports where id = any($1::uuid[]) and tenant_id = $2
        and (status = 'running' or finished_at > now() - interval '7 days')
    union all select id from tasks where id = any($1::uuid[]) and tenant_id = $2 and kind = 'resources.export'
        and coalesce(finished_at, now()) > now() - interval '24 hours'
    union all select id from tasks where id = any($1::uuid[]) and tenant_id = $2 and kind = 'privacy.export'
        and coalesce(finished_at, now()) > now() - interval '7 days'
    union all select t.id from tasks t join tenants o on o.id = t.tenant_id
        where t.id = any($1::uuid[]) and t.tenant_id = $2 and t.kind = 'tenants.export'
        and (o.closing_since is not null or coalesce(t.finished_at, now()) > now() - interval '24 hours')
"""
_GONE = "delete from files where tenant_id = $1 and deleted_at < $2 returning id"
_PAGE = """
    select id, lost_at is not null as is_lost from files
    where tenant_id = $1 and created_at < $2 and id > $3 order by id limit $4
"""
_LOST = "update files set lost_at = $2 where id = any($1::uuid[]) and lost_at is null returning id::text"
_FOUND = "update files set lost_at = null where id = any($1::uuid[]) and lost_at < $2::timestamptz returning id::text"
_NOTHING = UUID(int=0)


@dataclass
class Collected:
    """What one round has done."""

    aside: int = 0
    """Uploads that died on their way."""
    orphans: int = 0
    """Bytes without a row."""
    deleted: int = 0
    """Rows deleted long ago, with their bytes."""
    lost: int = 0
    """Rows whose bytes are gone, noticed now."""
    found: int = 0
    """And those whose bytes are back."""


@dataclass(frozen=True, slots=True)
class Collector:
    """As the worker, for all tenants in turn."""

    worker: Database
    storage: Storage
    kept_s: float
    """How long a deleted file can be restored."""
    grace_s: float = GRACE_S

    async def collect(self, now: datetime | None = None) -> Collected:
        """One round. Several processes may be at it: each thing is done by whoever comes first."""
        now = now or datetime.now(UTC)
        done = Collected()
        async with self.worker.transaction() as db:
            tenants = {UUID(row["id"]) for row in await db.fetch("select every_tenant() as id")}
        tenants |= await asyncio.to_thread(self.storage.tenants)
        done.aside = await asyncio.to_thread(self.storage.sweep, now, older_than_s=self.grace_s)
        for tenant_id in sorted(tenants):
            await self._forget_deleted(tenant_id, now, done)
            there = await asyncio.to_thread(self.storage.files, tenant_id)
            await self._look_for_lost(tenant_id, there, now, done)
            await self._remove_orphans(tenant_id, there, now, done)
        if done != Collected():
            log.info("collected: %s", done)
        return done

    async def _forget_deleted(self, tenant_id: UUID, now: datetime, done: Collected) -> None:
        """The row first: bytes that stay when the process dies here are orphans in the next round."""
        async with self.worker.transaction() as db:
            await _act(db, tenant_id)
            gone = await db.fetch(_GONE, tenant_id, now - timedelta(seconds=self.kept_s))
        for row in gone:
            await asyncio.to_thread(self.storage.remove, tenant_id, UUID(row["id"]))
        done.deleted += len(gone)

    async def _look_for_lost(self, tenant_id: UUID, there: set[UUID], now: datetime, done: Collected) -> None:
        last = _NOTHING
        while True:
            async with self.worker.transaction() as db:
                await _act(db, tenant_id)
                page = await db.fetch(_PAGE, tenant_id, now - timedelta(seconds=self.grace_s), last, _BATCH)
            if not page:
                return
            missing = [UUID(row["id"]) for row in page if UUID(row["id"]) not in there]
            missing = await asyncio.to_thread(self._without_bytes, tenant_id, missing)
            lost = [str(each) for each in missing]
            found = [row["id"] for row in page if row["is_lost"] and row["id"] not in lost]
            for ids, statement, name in ((lost, _LOST, LOST), (found, _FOUND, FOUND)):
                async with self.worker.transaction() as db:
                    await _act(db, tenant_id, name)
                    changed = await db.fetch(statement, ids, now)
                if changed and name == LOST:
                    log.error(
                        "the bytes of %d files of tenant %s are gone: %s",
                        len(changed),
                        tenant_id,
                        [row["id"] for row in changed],
                    )
                    done.lost += len(changed)
                else:
                    done.found += len(changed)
            last = UUID(page[-1]["id"])

    def _without_bytes(self, tenant_id: UUID, ids: list[UUID]) -> list[UUID]:
        return [each for each in ids if not self.storage.exists(tenant_id, each)]

    async def _remove_orphans(
        self, tenant_id: UUID, there: set[UUID], now: datetime, done: Collected
    ) -> None:
        ordered = sorted(there)
        for start in range(0, len(ordered), _BATCH):
            batch = ordered[start : start + _BATCH]
            async with self.worker.transaction() as db:
                await _act(db, tenant_id)
                rows = await db.fetch(_KNOWN, [str(each) for each in batch], tenant_id)
            for orphan in {*batch} - {UUID(row["id"]) for row in rows}:
                age_s = await asyncio.to_thread(self.storage.age_s, tenant_id, orphan, now)
                if age_s is not None and age_s > self.grace_s:
                    await asyncio.to_thread(self.storage.remove, tenant_id, orphan)
                    done.orphans += 1


async def _act(db: Transaction, tenant_id: UUID, event: str = "") -> None:
    await db.execute(_AS_PLATFORM, str(tenant_id), event)
