"""What the service itself and clients ask of flags.

In an endpoint: ``if await enabled(request, "new-checkout"): …``. It never fails: without a flag of that name, or a
database that was ever read, it is as if it were off.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from serve.kernel.caller import Caller, identify
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Unavailable
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.platform.flags.copies import Copies, TenantFlags
from serve.platform.flags.rules import (
    Context,
    Flag,
    Verdict,
    check_flag,
    evaluate,
    flag_of,
)
from serve.platform.flags.schemas import EvaluateInput, FeedbackInput, PreviewInput
from serve.platform.flags.sightings import Sightings

log = logging.getLogger("throughline.flags")

ARCHIVED = event("flag.archived", "The flag is in the archive: everybody gets its default.")
UNARCHIVED = event("flag.unarchived", "The flag is at work again.")
event("flag.became_stale", "Nobody seems to need the flag any more: `after` says why.")
event("flag.no_longer_stale", "The flag was changed or used again.")

MOST_MEMBERS = 1000
USES_DAYS = 30
_MEMBERS = """
    select user_id, full_name, email, role from tenant_members()
    where tenant_id = $1 and is_active order by full_name, user_id
"""
_USES = f"""
    select coalesce(u.variant, e.variant) as variant, coalesce(u.use_count, 0)::bigint as use_count,
        coalesce(e.subject_count, 0)::bigint as subject_count
    from (
        select variant, sum(use_count) as use_count from flag_uses
        where flag_id = $1 and used_on > current_date - {USES_DAYS} group by variant
    ) u
    full join (
        select variant, count(*) as subject_count from flag_exposures
        where flag_id = $1 and experiment_id is null group by variant
    ) e on e.variant = u.variant
    order by 1
"""
_SAY = """
    insert into flag_feedback (tenant_id, flag_id, user_id, variant, rating, comment) values ($1, $2, $3, $4, $5, $6)
    on conflict (tenant_id, flag_id, user_id) do update set
        variant = excluded.variant, rating = excluded.rating, comment = excluded.comment
"""
_SAID = """
    select f.id, f.user_id, m.full_name, f.variant, f.rating, f.comment, f.created_at, f.updated_at
    from flag_feedback f
    left join (select distinct on (user_id) user_id, full_name from tenant_members() order by user_id) m
        on m.user_id = f.user_id
    where f.flag_id = $1
"""


class Flags:
    """The flags of every tenant, for one process: ``app.state.flags``."""

    def __init__(self, database: Database) -> None:
        self.copies, self.sightings = Copies(database), Sightings()

    async def verdict(
        self, caller: Caller, key: str, attributes: Mapping[str, Any] | None = None
    ) -> Verdict | None:
        """What the caller gets now, who is thereby noted to have seen it. None when there is no such flag.

        Raises Unavailable.
        """
        tenant = await self.copies.of(caller)
        flag = tenant.flags.get(key)
        if flag is None:
            return None
        context = tenant.context(caller.user_id, caller.email, caller.role, attributes)
        verdict = evaluate(flag, context, datetime.now(UTC))
        self.sightings.note(caller, flag, verdict, subject=context.subject)
        return verdict

    async def enabled(self, caller: Caller, key: str, *, otherwise: bool = False) -> bool:
        """Whether the caller gets anything but false from it; ``otherwise`` when nobody knows."""
        try:
            verdict = await self.verdict(caller, key)
        except Unavailable:
            log.warning("flag %s is taken for %s: the database is away", key, otherwise)
            return otherwise
        return otherwise if verdict is None else bool(verdict.value)

    async def given(self, caller: Caller, asked: EvaluateInput) -> list[dict[str, Any]]:
        """What the caller, or somebody described, gets from each flag."""
        tenant = await self.copies.of(caller)
        context = _context(tenant, caller, asked)
        keys = sorted(tenant.flags) if asked.keys is None else dict.fromkeys(asked.keys)
        now, shown = datetime.now(UTC), []
        for flag in filter(None, map(tenant.flags.get, keys)):
            verdict = evaluate(flag, context, now)
            self.sightings.note(
                caller, flag, verdict, subject=context.subject if asked.note_exposure else None
            )
            shown.append(shown_as(flag, verdict))
        return shown


async def enabled(request: Request, key: str, *, otherwise: bool = False) -> bool:
    """Whether whoever sends the request gets the flag."""
    flags: Flags = request.app.state.flags
    return await flags.enabled(await identify(request), key, otherwise=otherwise)


def shown_as(flag: Flag, verdict: Verdict) -> dict[str, Any]:
    return {"key": flag.key, **verdict._asdict()}


async def preview(
    flags: Flags, caller: Caller, row: Row, asked: PreviewInput, members: list[Record]
) -> dict[str, Any]:
    """What each of the people gets now, and what after the changes. Raises what the flag's rule says of them."""
    tenant = await flags.copies.of(caller)
    after = {**row, **asked.changes.model_dump(exclude_unset=True)}
    check_flag(row, after)
    known = tenant.flags.get(row["key"])
    experiment = known.experiment if known else None
    flag_now, flag_then = flag_of(row, experiment), flag_of(after, experiment)
    now, at = datetime.now(UTC), asked.at or datetime.now(UTC)
    found, counts = [], {variant.name: [0, 0] for variant in (*flag_now.variants, *flag_then.variants)}
    for member in members:
        context = tenant.context(member["user_id"], member["email"], member["role"])
        given, will_be = evaluate(flag_now, context, now), evaluate(flag_then, context, at)
        counts.setdefault(given.variant, [0, 0])[0] += 1
        counts.setdefault(will_be.variant, [0, 0])[1] += 1
        found.append(
            {
                **{name: member[name] for name in ("user_id", "full_name", "role")},
                "now": shown_as(flag_now, given),
                "then": shown_as(flag_then, will_be),
                "is_changed": given.value != will_be.value,
            }
        )
    changed_count = sum(each["is_changed"] for each in found)
    found.sort(key=lambda each: not each["is_changed"])
    return {
        "member_count": len(found),
        "changed_count": changed_count,
        "variants": [
            {"variant": name, "now_count": before, "then_count": then}
            for name, (before, then) in counts.items()
        ],
        "members": found[:MOST_MEMBERS],
    }


async def members(db: Transaction) -> list[Record]:
    """The active people of the caller's own tenant."""
    return await db.fetch(_MEMBERS, db.caller.tenant_id)


async def uses(db: Transaction, row: Row) -> list[Record]:
    return await db.fetch(_USES, row["id"])


async def give_feedback(db: Transaction, flags: Flags, row: Row, said: FeedbackInput) -> Record:
    """The caller's one opinion of the feature; a later one takes its place."""
    caller = db.caller
    tenant = await flags.copies.of(caller)
    flag = tenant.flags.get(row["key"])
    context = tenant.context(caller.user_id, caller.email, caller.role)
    variant = evaluate(flag, context, datetime.now(UTC)).variant if flag else None
    values = (caller.tenant_id, row["id"], caller.user_id, variant, said.rating, said.comment)
    await db.execute(_SAY, *values)
    own = await db.fetch_one(f"{_SAID} and f.user_id = $2", row["id"], caller.user_id)
    assert own is not None
    return own


async def feedback(db: Transaction, row: Row, window: tuple[int, int]) -> tuple[list[Record], int]:
    """A page of what people said, the newest first, and how many there are."""
    said = await db.fetch(f"{_SAID} order by f.updated_at desc, f.id limit $2 offset $3", row["id"], *window)
    total = await db.fetch_one("select count(*) as total from flag_feedback where flag_id = $1", row["id"])
    assert total is not None
    return said, total["total"]


async def note_stale(worker: Database) -> None:
    """Mark the flags of all tenants that nobody needs; as the worker."""
    async with worker.transaction() as db:
        await db.execute("select note_stale_flags()")


def _context(tenant: TenantFlags, caller: Caller, asked: EvaluateInput) -> Context:
    if asked.context is None:
        return tenant.context(caller.user_id, caller.email, caller.role, asked.attributes)
    return Context(asked.context.subject, asked.context.attributes, tenant.segments)
