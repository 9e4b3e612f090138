"""Power for a while, in place of any emergency door: asked for with a reason, told to those who guard, on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from serve.identity.auth.notes import Note, record
from serve.identity.elevations.rules import TO_ROLE, NotElevated, check_elevation
from serve.kernel.db import Transaction
from serve.kernel.ids import uuid7
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current


async def begin(db: Transaction, reason: str, minutes: int, request_id: str) -> UUID:
    """Raise the role of the caller's session. Raises what ``check_elevation`` does."""
    caller = db.caller
    allowed = (await current(db, [CATEGORIES["security"]]))["security"].values.elevation_roles
    check_elevation(caller, allowed)
    row_id, ends_at = uuid7(), datetime.now(UTC) + timedelta(minutes=minutes)
    await db.execute(
        "insert into elevations (id, tenant_id, user_id, session_id, from_role, to_role, reason, ends_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(row_id, caller.tenant_id, caller.user_id, caller.session_id, caller.role, TO_ROLE, reason, ends_at),
    )
    detail = {"from_role": caller.role, "to_role": TO_ROLE, "reason": reason, "ends_at": ends_at.isoformat()}
    await record(db, Note(caller.user_id, caller.tenant_id, "elevation.began", detail, request_id))
    return row_id


async def end(db: Transaction, request_id: str) -> None:
    """Give the power back before its time. Raises NotElevated."""
    caller = db.caller
    done = await db.execute(
        "update elevations set ended_at = now()"
        " where tenant_id = $1 and session_id = $2 and ended_at is null and ends_at > now()",
        *(caller.tenant_id, caller.session_id),
    )
    if done == "UPDATE 0":
        raise NotElevated
    await record(db, Note(caller.user_id, caller.tenant_id, "elevation.ended", {}, request_id))
