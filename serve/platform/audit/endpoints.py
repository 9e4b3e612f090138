"""Who did what: the audit log, and the proof that nobody touched it. Reading it is itself noted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import Invalid, problems
from serve.kernel.events import event, note_read
from serve.kernel.paging import Paged, page_meta
from serve.kernel.routing import area_router
from serve.platform.audit import queries
from serve.platform.audit.schemas import (
    ActivityMeta,
    ActivityQuery,
    AuditEntry,
    AuditMeta,
    AuditQuery,
    PeriodQuery,
    SecurityQuery,
    UserActivity,
    Verification,
)
from serve.platform.events.endpoints import sealed

AUDIT_READ = event(
    "audit.read", "Somebody read the audit log: `after` says what was asked for.", category="read"
)
USUAL_DAYS = 30

router = area_router(prefix="/api/v1/audit", tags=["audit"], responses=problems(DatabaseUnavailable))
auditor = Depends(Needs("audit:read"))


@router.get("", response_model=Success[list[AuditEntry], AuditMeta], dependencies=[auditor], name="audit.log")
@router.get("/logs", response_model=Success[list[AuditEntry], AuditMeta], dependencies=[auditor])
async def audit_log(asked: Annotated[AuditQuery, Query()], db: TenantDb) -> Response:
    """The audit log, newest first: changes, noted reads and security events, filtered and in pages.

    `/audit/logs` and `/audit` are the same. Personal values stay sealed; the history of a row shows them.
    """
    return await _entries(db, asked, asked.category)


@router.get("/security-events", response_model=Success[list[AuditEntry], AuditMeta], dependencies=[auditor])
async def security_events(asked: Annotated[SecurityQuery, Query()], db: TenantDb) -> Response:
    """Log-ins, refusals, sessions and passwords, newest first."""
    return await _entries(db, asked, ["security"])


@router.get(
    "/user-activities",
    response_model=Success[list[UserActivity] | list[AuditEntry], ActivityMeta],
    dependencies=[auditor],
)
async def user_activities(asked: Annotated[ActivityQuery, Query()], db: TenantDb) -> Response:
    """What each person did in a period, who was active last first.

    With `user_id` the answer is that person's single actions instead, newest first. What a person's API keys did counts
    as done by the person.
    """
    last = asked.date_end or datetime.now(UTC).date()
    first = asked.date_start or last - timedelta(days=USUAL_DAYS - 1)
    asked = asked.model_copy(update={"date_start": first, "date_end": last})
    period = {"date_start": first, "date_end": last}
    if asked.user_id is not None:
        return await _entries(db, asked, None, **period)
    _check(asked)
    window = asked.window()
    rows = [dict(row) for row in await queries.people(db, first, last, window)]
    total = rows[0]["total"] if rows else 0
    for row in rows:
        del row["total"]
    await _note(db, asked)
    return _answer(rows, page_meta(window, total) | period | {"total_is_estimate": False})


@router.get(
    "/verify", response_model=Success[Verification, Meta], dependencies=[auditor], name="audit.verify"
)
async def verify_audit_log(db: TenantDb) -> Response:
    """Every sealed batch of events checked again: nothing in it was changed, added or removed since.

    Each batch's hash covers its events and the hash of the batch before. What `newest` says is also written to the log
    of the service with each new batch: compare the two, or keep it elsewhere, to know that the end was not cut off.
    """
    seals, unsealed_count = await queries.verified(db)
    broken = [seal for seal in seals if not seal["holds"]]
    newest = seals[-1] if seals else None
    shown = ("number", "event_count", "found_count", "sealed_at")
    return _answer(
        {
            "holds": not broken,
            "batch_count": len(seals),
            "event_count": sum(seal["event_count"] for seal in seals),
            "unsealed_count": unsealed_count,
            "newest": newest
            and {"number": newest["number"], "hash": newest["hash_hex"], "sealed_at": newest["sealed_at"]},
            "broken": [{name: seal[name] for name in shown} for seal in broken],
        },
        {},
    )


async def _entries(db: TenantDb, asked: PeriodQuery, categories: list[Any] | None, **more: Any) -> Response:
    _check(asked)
    window = asked.window()
    actor_id = asked.user_id if isinstance(asked, ActivityQuery) else None
    where = queries.conditions(asked, actor_id=actor_id, categories=categories)
    rows, total, is_estimate = await queries.entries(db, where, window)
    await _note(db, asked)  # after reading: an answer doesn't hold its own note
    meta = page_meta(window, total) | {"total_is_estimate": is_estimate} | more
    return _answer([sealed(db, row) for row in rows], meta)


def _check(asked: PeriodQuery) -> None:
    if asked.date_start and asked.date_end and asked.date_end < asked.date_start:
        raise Invalid(details=[("date_end", "is before date_start")])


async def _note(db: TenantDb, asked: PeriodQuery) -> None:
    detail = asked.model_dump(mode="json", exclude_unset=True, exclude=set(Paged.model_fields))
    await note_read(db, AUDIT_READ, "audit", None, detail)


def _answer(data: Any, meta: Any) -> Response:
    return Response(success(data, meta), headers={"Cache-Control": "no-store"}, media_type="application/json")
