"""What the customer does with the link of the mail. The key of the link is kept as a hash; it says whose it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.reviews.errors import ReviewLinkNotFound, ReviewLinkUseless
from serve.crm.reviews.schemas import ReviewByLink
from serve.crm.reviews.service import ANSWERED, OPENED, PURPOSE, requests, settings_of
from serve.identity.account_tokens.service import look_at_token
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import NotFound
from serve.kernel.resources import Row
from serve.kernel.standing import TenantSuspended
from serve.kernel.tasks.acting import acting_for

_ABOUT = """
    select t.name, t.slug, t.state, (select j.service from jobs j where j.id = $2) as service
    from tenants t where t.id = $1
"""


async def show(database: Database, token: str, *, request_id: str) -> dict[str, Any]:
    """What the holder of the link may know; that it was looked at is noted.

    Raises ReviewLinkNotFound, ReviewLinkUseless or TenantSuspended.
    """
    tenant_id, row_id = await _found(database, token)
    async with database.transaction(acting_for(tenant_id, None), request_id=request_id) as db:
        row = await _request(db, row_id)
        about = await _about(db, row)
        if row["status"] == "sent":
            opened = {"status": "opened", "opened_at": datetime.now(UTC)}
            row = await requests.update(db, row, opened, event=OPENED)
        return await _shown(db, row, about)


async def answer(database: Database, said: ReviewByLink, *, request_id: str) -> dict[str, Any]:
    """What they have said; while the link is good it may be changed. Raises what ``show`` raises."""
    tenant_id, row_id = await _found(database, said.token)
    async with database.transaction(acting_for(tenant_id, None), request_id=request_id) as db:
        row = await _request(db, row_id)
        about = await _about(db, row)
        now = datetime.now(UTC)
        changes = {
            "status": "answered",
            "rating": said.rating,
            "comment": said.comment,
            "answered_at": now,
            "answered_by": "customer",
            "opened_at": row["opened_at"] or now,
        }
        return await _shown(db, await requests.update(db, row, changes, event=ANSWERED), about)


async def _found(database: Database, token: str) -> tuple[UUID, UUID]:
    async with database.transaction() as db:
        known = await look_at_token(db, token, PURPOSE)
    if known is None or known.tenant_id is None or known.subject_id is None:
        raise ReviewLinkNotFound
    if known.state != "good":
        raise ReviewLinkUseless
    return known.tenant_id, known.subject_id


async def _request(db: Transaction, row_id: UUID) -> Row:
    try:
        row = await requests.get(db, row_id, lock=True)
    except NotFound as absent:
        raise ReviewLinkUseless from absent
    if row["status"] in ("cancelled", "expired"):
        raise ReviewLinkUseless
    return row


async def _about(db: Transaction, row: Row) -> Any:
    about = await db.fetch_one(_ABOUT, db.caller.tenant_id, row["job_id"])
    assert about is not None
    if about["state"] != "active":
        raise TenantSuspended
    return about


async def _shown(db: Transaction, row: Row, about: Any) -> dict[str, Any]:
    return {
        "tenant_name": about["name"],
        "tenant_slug": about["slug"],
        "service": about["service"],
        "rating": row["rating"],
        "comment": row["comment"],
        "publish_at": (await settings_of(db)).publish_at,
    }
