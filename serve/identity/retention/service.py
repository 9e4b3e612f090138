"""Retention as tasks: each rule once a day, in batches; begun again wherever it was killed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from serve.identity.privacy import erasure
from serve.identity.privacy.people import OWN
from serve.identity.privacy.work import ask_pipeline, remove_outside, suppression_key
from serve.identity.retention.kinds import KINDS, over
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.events import emit, event
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.acting import acting_for

APPLY, RELEASE = "privacy.retention", "privacy.release_kept"
BATCH = 500

event(
    "retention.applied",
    "A rule ended what was over: `after` has the kind and how many.",
    permission="privacy:read",
)
event("retention.released", "What a law had kept of erased people is gone too.", permission="privacy:read")

_DECIDES = ("kind", "keep_days")
_RULE = f"select id, kind, keep_days, is_active from retention_rules where {OWN} and id = $1 and deleted_at is null"
_RAN = f"update retention_rules set last_run_at = now(), last_count = $2 where {OWN} and id = $1"


def cutoff(keep_days: int, now: datetime) -> datetime:
    return now - timedelta(days=keep_days)


async def preview(db: Transaction, rule: Any) -> dict[str, Any]:
    """How much it would end now; nothing is touched."""
    kind, older_than = KINDS[rule["kind"]], cutoff(rule["keep_days"], datetime.now(UTC))
    found = await db.fetch_one(
        over(kind, "count(*)::integer as count, min(t.created_at) as oldest_at"),
        *(older_than, await erasure.held_rows(db, kind.table)),
    )
    assert found is not None
    return {"rule_id": rule["id"], "older_than": older_than, **found}


async def begin(db: Transaction, rule: Any, *, key: str | None = None) -> Record | None:
    """Have the rule applied."""
    return await enqueue(
        db,
        APPLY,
        {
            "rule_id": str(rule["id"]),
            "older_than": cutoff(rule["keep_days"], datetime.now(UTC)).isoformat(),
            "rule": {name: rule[name] for name in _DECIDES} | ({"is_active": True} if key else {}),
        },
        title=f"Retention of {rule['kind'].replace('_', ' ')}",
        about=("retention_rule", rule["id"]),
        key=key,
    )


@task(APPLY)
async def apply(work: Work) -> Any:
    """End what is over. The moment was fixed when it was asked for, so a second try ends the same rows."""
    rule_id, older_than = work.params["rule_id"], datetime.fromisoformat(work.params["older_than"])
    total, number = 0, 0
    while True:

        async def batch(db: Transaction) -> Any:
            return await _batch(db, work, rule_id, older_than)

        done = await work.step(f"batch {number}", batch)
        if done is None:
            return {"count": total}  # the rule is gone, or another one by now
        if done["files"] or done["messages"]:
            await work.outside(f"outside {number}", lambda _, done=done: remove_outside(work, done))
        total, number = total + done["count"], number + 1
        await work.progress(done=total)
        if done["count"] < BATCH:
            break

    async def say(db: Transaction) -> Any:
        await db.execute(_RAN, rule_id, total)
        await emit(db, "retention.applied", "retention_rule", rule_id, {"kind": done["kind"], "count": total})
        return {"count": total}

    return await work.step("say", say)


async def _batch(db: Transaction, work: Work, rule_id: str, older_than: datetime) -> dict[str, Any] | None:
    rule = await db.fetch_one(_RULE, rule_id)
    asked = work.params.get("rule", {})  # a moment that was right for another rule ends other rows
    if rule is None or any(rule[name] != value for name, value in asked.items()):
        return None
    kind = KINDS[rule["kind"]]
    held = await erasure.held_rows(db, kind.table)
    ids = [
        row["id"]
        for row in await db.fetch(
            f"{over(kind)} order by t.id limit {BATCH} for update of t skip locked", older_than, held
        )
    ]
    outside: dict[str, Any] = {}
    if ids:
        outside = await kind.end(db, ids, await asyncio.to_thread(suppression_key, work.state))
        if outside.get("ids"):
            await ask_pipeline(db, outside)
    return {
        "kind": rule["kind"],
        "count": len(ids),
        "files": outside.get("files", []),
        "messages": outside.get("messages", []),
    }


@task(RELEASE)
async def release(work: Work) -> Any:
    """Blank what no law keeps any more."""

    async def do(db: Transaction) -> Any:
        done = await erasure.release_kept(db, datetime.now(UTC).date())
        if done["count"]:
            await ask_pipeline(db, done)
            await emit(db, "retention.released", "privacy_kept", None, {"count": done["count"]})
        return {"count": done["count"]}

    return await work.step("release", do)


async def ask_daily(worker: Database) -> int:
    """Ask for what is due today in every tenant; how many tasks that made. Asking twice makes each once."""
    today = datetime.now(UTC).date().isoformat()
    asked = 0
    async with worker.transaction() as db:
        tenants = [row["id"] for row in await db.fetch("select every_tenant() as id")]
    for tenant_id in tenants:
        async with worker.transaction(acting_for(UUID(tenant_id), None)) as db:
            rules = await db.fetch(
                f"select id, kind, keep_days from retention_rules where {OWN} and is_active and deleted_at is null"
            )
            for rule in rules:
                asked += await begin(db, rule, key=f"retention {rule['id']} {today}") is not None
            if await db.fetch(
                f"select 1 as found from privacy_kept where {OWN} and until_date < current_date limit 1"
            ):
                made = await enqueue(db, RELEASE, title="End of what a law had kept", key=f"release {today}")
                asked += made is not None
    return asked
