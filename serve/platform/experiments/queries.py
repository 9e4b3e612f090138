"""What flags need to know of experiments and beta users, and figures of both."""

from __future__ import annotations

from serve.kernel.db import Transaction
from serve.platform.flags.rules import Experiment, conditions_of, variants_of

_RUNNING = """
    select id, flag_id, variants, conditions, percent from experiments
    where status = 'running' and deleted_at is null
"""


async def running_experiments(db: Transaction) -> dict[str, Experiment]:
    """Those at work, by the id of their flag."""
    return {
        row["flag_id"]: Experiment(
            row["id"], variants_of(row["variants"]), conditions_of(row["conditions"]), row["percent"]
        )
        for row in await db.fetch(_RUNNING)
    }


async def beta_user_ids(db: Transaction) -> frozenset[str]:
    return frozenset(row["user_id"] for row in await db.fetch("select user_id from beta_users"))
