"""The tenant's own model, read from the registry when it is another than before, and asked in a thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ml.registry import NoModel, Registry
from serve.crm.scoring.errors import NoModelYet
from serve.crm.scoring.features import KINDS
from serve.kernel.memory import remembered

if TYPE_CHECKING:
    from ml.classifier import Classifier

QUESTION = "lead_score"


@dataclass(frozen=True)
class LeadModel:
    """A version that answers, with what its card says of it."""

    classifier: Classifier
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """``score`` is a calibrated chance, 0 to 1; ``reasons`` are the strongest first, effects in log-odds."""

    score: float
    reasons: list[dict[str, Any]]


_known: dict[tuple[UUID, str], LeadModel] = remembered(16)
"""By tenant and version: a version never changes, and nobody is answered by another tenant's."""


def warm(registry: Registry) -> None:
    """Load what a model is read with, some seconds of imports, where any tenant has one. Blocks."""
    if next(registry.root.glob(f"{QUESTION}/*/champion"), None) is not None:
        import skops.io  # noqa: F401  # and with it scikit-learn, SciPy and pandas

        import ml.classifier  # noqa: F401


async def model_of(registry: Registry, tenant_id: UUID) -> LeadModel:
    """Raises NoModelYet."""
    version = registry.champion(QUESTION, str(tenant_id))
    if version is None:
        raise NoModelYet(details=[(QUESTION, await asyncio.to_thread(_missing, registry, tenant_id))])
    found = _known.get((tenant_id, version))
    if found is None:
        found = _known[tenant_id, version] = await asyncio.to_thread(_read, registry, tenant_id)
    return found


async def answers(model: LeadModel, features: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """One for each row of features, in their order."""
    return await asyncio.to_thread(_answers, model, features)


def _read(registry: Registry, tenant_id: UUID) -> LeadModel:
    from ml.classifier import Classifier

    try:
        model = registry.load(QUESTION, str(tenant_id))
    except NoModel as missing:
        raise NoModelYet(details=[(QUESTION, "every version that was trained is damaged")]) from missing
    card, metrics = model.card, model.card["metrics"]
    about = {
        "question": QUESTION,
        "version": model.version,
        "kind": metrics.get("model"),
        "calibration": metrics.get("calibration"),
        "trained_at": _moment(card["trained_at"]),
        "data_until": _moment(card["data_until"]),
    }
    return LeadModel(Classifier.from_state(model.state["served"]), about)


def _answers(model: LeadModel, features: Sequence[Mapping[str, Any]]) -> list[Answer]:
    import polars as pl

    rows = [
        {
            **row,
            "lead_id": str(row["lead_id"]),
            "attributes": None if row["attributes"] is None else json.dumps(row["attributes"]),
        }
        for row in features
    ]
    frame = pl.DataFrame(rows, schema=_schema())
    scores, reasons = model.classifier.scores_and_reasons(frame)
    return [Answer(float(score), json.loads(text)) for score, text in zip(scores, reasons, strict=True)]


def _schema() -> dict[str, Any]:
    import polars as pl

    whole = ("hour_of_day", "day_of_week", "cost_cents", *(f"{kind}_count" for kind in KINDS))
    return {
        **dict.fromkeys(("lead_id", "source", "attributes"), pl.String),
        **dict.fromkeys(whole, pl.Int64),
        **dict.fromkeys(("reply_hours", "visit_duration_s"), pl.Float64),
        **dict.fromkeys(("is_company", "is_snapshot", "is_won"), pl.Boolean),
        **dict.fromkeys(("as_of_at", "closed_at", "known_until_at"), pl.Datetime("us", "UTC")),
    }


def _moment(text: str) -> str:
    """As every moment of ours is written: in UTC, ending in Z."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")


def _missing(registry: Registry, tenant_id: UUID) -> str:
    cards = registry.history(QUESTION, str(tenant_id))
    refused = next((card["refused"] for card in cards if card.get("refused")), None)
    return str(refused or "no model was trained for you yet")
