"""What may become of an experiment, and whether its variants came as often as they should. No database, no clock.

Nobody's variant changes while it runs, though nothing is remembered of anybody: the variant is a hash of experiment and
subject, and whatever goes into the choice is fixed from the start on. Only the percentage may grow, which moves nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from serve.platform.experiments.errors import ExperimentInvalid, ExperimentRunning, ExperimentState
from serve.platform.flags.rules import variants_of

Status = Literal["draft", "running", "stopped"]
Row = Mapping[str, Any]

NEXT: dict[str, set[str]] = {
    "draft": {"draft", "running"},
    "running": {"running", "stopped"},
    "stopped": {"stopped"},
}
FIXED = ("flag_id", "primary_metric", "variants", "conditions")
SUSPECT_BELOW = 0.001
"""A split this unlikely by chance (p) is rather a mistake somewhere."""


def check_experiment(before: Row | None, after: Row) -> None:
    """Raises ExperimentInvalid, ExperimentState or ExperimentRunning."""
    names = [variant["name"] for variant in after["variants"]]
    wrong = []
    if len(set(names)) < len(names):
        wrong.append(("variants", "must have different names"))
    if sum(variant["weight"] > 0 for variant in after["variants"]) < 2:
        wrong.append(("variants", "must be at least two with a weight above 0"))
    if wrong:
        raise ExperimentInvalid(details=wrong)
    if before is None:
        return
    if after["status"] not in NEXT[before["status"]]:
        raise ExperimentState
    if before["status"] == "draft":
        return
    changed = [(name, "is fixed since the start") for name in FIXED if not _same(before[name], after[name])]
    if after["percent"] < before["percent"] or (
        before["status"] == "stopped" and after["percent"] != before["percent"]
    ):
        changed.append(("percent", "may only grow, while it runs"))
    if changed:
        raise ExperimentRunning(details=changed)


def _same(before: Any, after: Any) -> bool:
    return bool(before == after) or (isinstance(after, UUID) and before == str(after))


def check_start(experiment: Row, flag: Row, metrics: frozenset[str] | None) -> None:
    """What must be so when it starts. ``metrics`` are those that there are; None when nobody can know.

    Raises ExperimentState or ExperimentInvalid.
    """
    if experiment["status"] != "draft":
        raise ExperimentState
    wrong = []
    if flag["archived_at"] is not None:
        wrong.append(("flag_id", "names a flag in the archive"))
    if flag["kind"] == "boolean" and not all(
        isinstance(variant.value, bool) for variant in variants_of(experiment["variants"])
    ):
        wrong.append(("variants", "must have the values true and false, as the flag does"))
    if metrics is not None and experiment["primary_metric"] not in metrics:
        wrong.append(("primary_metric", "names no metric that there is"))
    if wrong:
        raise ExperimentInvalid(details=wrong)


def ratio_p(counts: Sequence[int], weights: Sequence[float]) -> float | None:
    """How likely a split at least this uneven is by chance (chi-square); None while nobody was counted.

    >>> round(ratio_p([500, 500], [1, 1]), 3), round(ratio_p([600, 400], [1, 1]), 10)
    (1.0, 3e-10)
    """
    from scipy.special import chdtrc  # half of the whole service's start, and rarely needed

    total, weight = sum(counts), sum(weights)
    weighty = [(count, total * each / weight) for count, each in zip(counts, weights, strict=True) if each]
    if not total or len(weighty) < 2:
        return None
    distance = sum((count - expected) ** 2 / expected for count, expected in weighty)
    return float(chdtrc(len(weighty) - 1, distance))
