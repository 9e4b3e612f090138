"""What happened, in order, for programs that follow along."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Response

from serve.kernel.caller import Caller, Lacks, Needs
from serve.kernel.db import DatabaseUnavailable, Record, TenantDb
from serve.kernel.envelope import Success, success
from serve.kernel.errors import problems
from serve.kernel.routing import area_router
from serve.platform.events import queries
from serve.platform.events.errors import CursorGone
from serve.platform.events.schemas import EventRead, FeedMeta, FeedQuery

router = area_router(prefix="/api/v1/events", tags=["events"])


@router.get(
    "",
    response_model=Success[list[EventRead], FeedMeta],
    responses=problems(CursorGone, DatabaseUnavailable),
    name="events.follow",
)
async def follow_events(
    asked: Annotated[FeedQuery, Query()],
    caller: Annotated[Caller, Depends(Needs("events:read"))],
    db: TenantDb,
) -> Response:
    """The change feed: every event exactly once, in an order that never changes.

    Ask, then ask again with `after` set to `meta.next_cursor`, for ever. An event appears once all that could come
    before it is known, so a long transaction holds back what is newer; nothing is skipped. Personal values stay sealed.
    """
    categories = asked.category or ["change"]
    if categories != ["change"] and "audit:read" not in caller.permissions:
        raise Lacks(caller, "audit:read")
    after = queries.BEGINNING if asked.after is None else await queries.place(db, asked.after)
    if after is None:
        raise CursorGone
    newest = await queries.newest_settled(db)
    rows: list[Record] = []
    if newest is not None:
        until = (newest["change_xid"], newest["position"])
        rows = await queries.between(
            db,
            after,
            until,
            categories=list(categories),
            entity_types=asked.entity_type,
            names=asked.name,
            limit=asked.limit + 1,
        )
    has_more = len(rows) > asked.limit
    cursor: Any = asked.after
    if has_more:
        cursor = rows[asked.limit - 1]["id"]
    elif newest is not None and until > after:  # also past what the filters left out
        cursor = newest["id"]
    meta = {"next_cursor": cursor, "has_more": has_more}
    shown = [sealed(db, row) for row in rows[: asked.limit]]
    return Response(
        success(shown, meta), headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


def sealed(db: TenantDb, row: Record) -> dict[str, Any]:
    """An event without its place; of a personal value is told only that there is one."""
    shown = {name: value for name, value in row.items() if name not in ("change_xid", "position")}
    for side in ("before", "after"):
        if shown[side]:
            shown[side] = db.vault.open_values(None, shown[side])
    return shown
