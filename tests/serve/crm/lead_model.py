"""A model of leads for a tenant of the tests: learned once from leads that win by a planted rule."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import numpy as np

from ml.lead_score import features, model
from ml.registry import Registry
from ml.terms import Context, Trained
from tests.ml import simulate

QUESTION = "lead_score"
DATA_UNTIL = datetime(2026, 1, 31, tzinfo=UTC)


@cache
def _served() -> dict[str, Any]:
    context = simulate.context()
    examples = features.examples(simulate.leads(1500).frame, context)
    state: dict[str, Any] = model.fit(examples, seed=7, kind="logistic").to_state()
    return state


def publish(registry: Registry, tenant_id: UUID) -> str:
    """Let it answer for the tenant; gives the version's name."""
    context = Context(tenant_id=str(tenant_id), as_of=DATA_UNTIL, data_release="test")
    state = _served()
    trained = Trained(
        question=QUESTION,
        state={"served": state, "measured": state},
        metrics={"model": state["kind"], "calibration": "none"},
        baseline={},
        split={},
        data_until=DATA_UNTIL,
        beats_baseline=True,
        verdict="learned for a test",
        losses_of=lambda _: np.zeros(1),
        units=np.array(["lead"]),
    )
    version = registry.save(trained, context, trained_at=datetime.now(UTC))
    registry.promote(QUESTION, str(tenant_id), version)
    return version


def withdraw(registry: Registry, tenant_id: UUID) -> None:
    """Nobody answers for the tenant any more."""
    (registry.root / QUESTION / str(tenant_id) / "champion").unlink(missing_ok=True)
