"""Starting and stopping experiments, what came of them, and who is a beta user."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.kernel.answers import Answers
from serve.kernel.db import Record, Transaction
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.platform.experiments import queries
from serve.platform.experiments.errors import FlagOccupied, MemberNotFound
from serve.platform.experiments.rules import SUSPECT_BELOW, check_start, ratio_p
from serve.platform.flags.rules import evaluate, percent_at
from serve.platform.flags.service import Flags
from warehouse.metrics import engine_of
from warehouse.releases import ReleaseError

STARTED = event("experiment.started", "The experiment runs: who takes part gets its variants.")
STOPPED = event("experiment.stopped", "The experiment is over: its flag's own rules decide again.")


async def check_can_start(db: Transaction, answers: Answers, experiment: Row, flag: Row) -> None:
    """Raises ExperimentState, ExperimentInvalid or FlagOccupied. The flag is locked."""
    check_start(experiment, flag, await asyncio.to_thread(_metrics, answers, db.caller.tenant_id))
    if await queries.runs_on(db, flag["id"]):
        raise FlagOccupied


def _metrics(answers: Answers, tenant_id: UUID) -> frozenset[str] | None:
    """The names of the catalogue; None when there is none to look into."""
    with suppress(ReleaseError), answers.reader.query(tenant_id) as session:
        if session.semantic_manifest is not None:
            return frozenset(metric.name for metric in engine_of(session).list())
    return None


async def results(db: Transaction, ids: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Who has seen what, of these experiments or of all that have ever run."""
    seen: dict[str, list[Record]] = defaultdict(list)
    for row in await queries.exposures(db, ids):
        seen[row["experiment_id"]].append(row)
    rows = await queries.experiments(db, ids)
    return await asyncio.to_thread(lambda: [_result(row, seen[row["id"]]) for row in rows])


def _result(experiment: Record, seen: list[Record]) -> dict[str, Any]:
    weights = {variant["name"]: variant["weight"] for variant in experiment["variants"]}
    counts = dict.fromkeys(weights, 0) | {row["variant"]: row["exposed_count"] for row in seen}
    total, weight = sum(counts.values()), sum(weights.values())
    p = ratio_p([counts[name] for name in weights], list(weights.values()))
    return {
        "experiment_id": experiment["id"],
        **{name: experiment[name] for name in ("name", "flag_key", "status", "primary_metric")},
        "exposed_count": total,
        "first_exposed_at": min((row["first_at"] for row in seen), default=None),
        "last_exposed_at": max((row["last_at"] for row in seen), default=None),
        "variants": [
            {
                "variant": name,
                "exposed_count": counts[name],
                "exposed_share": counts[name] / total if total else None,
                "expected_share": weights[name] / weight,
            }
            for name in weights
        ],
        "ratio_p": p,
        "is_ratio_suspect": p is not None and p < SUSPECT_BELOW,
    }


async def features(db: Transaction, flags: Flags) -> dict[str, Any]:
    """Everything that is tried out at the moment: flags, who gets more than others, and what is known of it."""
    caller, now = db.caller, datetime.now(UTC)
    tenant = await flags.copies.of(caller)
    context = tenant.context(caller.user_id, caller.email, caller.role)
    shown, used = [], []
    for row in await queries.features(db):
        flag = tenant.flags.get(row["key"])
        if flag is None:  # made within the last second
            continue
        shown.append(
            {
                **{name: row[name] for name in ("id", "key", "name", "kind", "is_enabled", "stale_because")},
                "percent": percent_at(flag, now),
                "value": evaluate(flag, context, now).value,
                "experiment_id": flag.experiment and flag.experiment.id,
            }
        )
        used.append(
            {
                name: row[name]
                for name in ("key", "use_count", "exposed_count", "feedback_count", "rating_mean")
            }
        )
    return {
        "feature_flags": shown,
        "beta_users": [dict(row) for row in await queries.beta_users(db)],
        "metrics": {"features": used, "experiments": await results(db)},
    }


async def join_beta(db: Transaction, user_id: UUID, source: str) -> dict[str, Any]:
    """Raises MemberNotFound for somebody who does not belong to the caller's tenant."""
    if not await queries.is_member(db, user_id):
        raise MemberNotFound
    await queries.add_beta_user(db, user_id, source)
    return {"user_id": user_id, "is_beta": True}


async def leave_beta(db: Transaction, user_id: UUID) -> dict[str, Any]:
    """Raises MemberNotFound."""
    if not await queries.is_member(db, user_id):
        raise MemberNotFound
    await queries.remove_beta_user(db, user_id)
    return {"user_id": user_id, "is_beta": False}
