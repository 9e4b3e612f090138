"""What others ask of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.kernel.db import Transaction
from serve.kernel.ids import uuid7

_JOB = """
    insert into jobs
        (id, tenant_id, account_id, zone_id, service, channel, status, requested_at, due_at, price_cents, cost_cents,
        currency, attributes)
    values ($1, $2, $3, $4, $5, $6, 'new', $7, $8, $9, 0, $10, $11)
"""
_CHANGE = """
    insert into job_status_changes (id, tenant_id, job_id, to_status, changed_at, changed_by)
    values ($1, $2, $3, 'new', $4, $5)
"""
_WITHDRAW = """
    update jobs set status = 'cancelled', cancelled_at = now() where id = $1 and status = 'new' returning id
"""
_WITHDRAWN = """
    insert into job_status_changes (id, tenant_id, job_id, from_status, to_status, changed_at, changed_by)
    values ($1, $2, $3, 'new', 'cancelled', now(), $4)
"""


async def request_job(
    db: Transaction,
    *,
    account_id: str | UUID,
    service: str,
    channel: str,
    price_cents: int,
    currency: str,
    zone_id: UUID | None = None,
    due_at: datetime | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> UUID:
    """A new job of the caller's tenant, requested now, that nobody is assigned to; ``price_cents`` without tax.

    Raises Invalid for an account or a zone that is none of the tenant's.
    """
    job_id, now = uuid7(), datetime.now(UTC)
    await db.execute(
        _JOB,
        *(
            job_id,
            db.caller.tenant_id,
            account_id,
            zone_id,
            service,
            channel,
            now,
            due_at,
            price_cents,
            currency,
        ),
        dict(attributes or {}),
    )
    changed_by = db.caller.user_id if db.caller.user_id.int else None
    await db.execute(_CHANGE, uuid7(), db.caller.tenant_id, job_id, now, changed_by)
    return job_id


async def withdraw_job(db: Transaction, job_id: UUID) -> bool:
    """Cancel a job that nobody has been assigned to; whether it was such a one."""
    if await db.fetch_one(_WITHDRAW, job_id) is None:
        return False
    changed_by = db.caller.user_id if db.caller.user_id.int else None
    await db.execute(_WITHDRAWN, uuid7(), db.caller.tenant_id, job_id, changed_by)
    return True
