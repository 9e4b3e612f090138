"""What the customer does with the link of the mail. The key of the link is kept as a hash; it says whose it is."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

from serve.crm.reviews.errors import ReviewLinkNotFound, ReviewLinkUseless
from serve.crm.reviews.schemas import ReviewByLink
from serve.crm.reviews.service import ANSWERED, OPENED, PURPOSE, requests, settings_of
from serve.identity.account_tokens.links import Link, linked
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import NotFound
from serve.kernel.resources import Row

_ABOUT = """
    select t.name, t.slug, (select j.service from jobs j where j.id = $2) as service
    from tenants t where t.id = $1
"""


async def show(database: Database, token: str, *, request_id: str) -> dict[str, Any]:
    """What the holder of the link may know; that it was looked at is noted.

    Raises ReviewLinkNotFound, ReviewLinkUseless or TenantSuspended.
    """
    async with _linked(database, token, request_id) as link:
        db, row = link.db, await _request(link)
        if row["status"] == "sent":
            opened = {"status": "opened", "opened_at": datetime.now(UTC)}
            row = await requests.update(db, row, opened, event=OPENED)
        return await _shown(db, row)


async def answer(database: Database, said: ReviewByLink, *, request_id: str) -> dict[str, Any]:
    """What they have said; while the link is good it may be changed. Raises what ``show`` raises."""
    async with _linked(database, said.token, request_id) as link:
        db, row = link.db, await _request(link)
        now = datetime.now(UTC)
        changes = {
            "status": "answered",
            "rating": said.rating,
            "comment": said.comment,
            "answered_at": now,
            "answered_by": "customer",
            "opened_at": row["opened_at"] or now,
        }
        return await _shown(db, await requests.update(db, row, changes, event=ANSWERED))


def _linked(database: Database, token: str, request_id: str) -> AbstractAsyncContextManager[Link]:
    wrong = {"unknown": ReviewLinkNotFound, "useless": ReviewLinkUseless}
    return linked(database, token, PURPOSE, **wrong, request_id=request_id)


async def _request(link: Link) -> Row:
    try:
        row = await requests.get(link.db, link.subject_id, lock=True)
    except NotFound as absent:
        raise ReviewLinkUseless from absent
    if row["status"] in ("cancelled", "expired"):
        raise ReviewLinkUseless
    return row


async def _shown(db: Transaction, row: Row) -> dict[str, Any]:
    about = await db.fetch_one(_ABOUT, db.caller.tenant_id, row["job_id"])
    assert about is not None
    return {
        "tenant_name": about["name"],
        "tenant_slug": about["slug"],
        "service": about["service"],
        "rating": row["rating"],
        "comment": row["comment"],
        "publish_at": (await settings_of(db)).publish_at,
    }
