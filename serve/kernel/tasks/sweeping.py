"""Work that waits in rows: the worker's clock asks which tenants have some, and does it for one after the other.

A row says itself that something waits (a moment, or what is missing), one small index finds it, and a function of the
database gives the ids of the tenants, which nobody else may know. So nothing is added to the way in, no queue can lose
a row, and whoever dies in the middle leaves the rest to the next look. Several workers may look at once: the work of a
tenant must bear that, by a lock or by ``skip locked``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from serve.kernel.db import Database, Transaction
from serve.kernel.tasks.acting import acting_for

MOST_TENANTS = 100


async def sweep(
    database: Database,
    tenants: str,
    moment: datetime,
    work: Callable[[UUID], Awaitable[int]],
    *,
    log: logging.Logger,
    failed: str,
) -> int:
    """Do ``work`` for each tenant that ``tenants`` (SQL of a moment and a number) gives; the sum of what it gave.

    One that fails is logged as ``failed`` says (with a place for the tenant): the others wait too.
    """
    async with database.connection() as connection:
        waiting = await connection.fetch(tenants, moment, MOST_TENANTS)
    done = 0
    for each in waiting:
        try:
            done += await work(UUID(each["tenant_id"]))
        except Exception:
            log.exception(failed, each["tenant_id"])
    return done


async def in_batches(
    database: Database,
    tenant_id: UUID,
    work: Callable[[Transaction], Awaitable[tuple[int, int]]],
    *,
    batch: int,
    most: int,
) -> int:
    """Do ``work``, which gives (how many it looked at, how many it changed), until it sees less than a ``batch``.

    Each time in a transaction of the platform at work for the tenant, and ``most`` times at most: others wait.
    """
    done = 0
    for _ in range(most):
        async with database.transaction(acting_for(tenant_id, None)) as db:
            seen, count = await work(db)
        done += count
        if seen < batch:
            break
    return done
