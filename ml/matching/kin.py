"""Relatives: a third answer beside one person and strangers, or whoever shares a telephone is taken for one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

SHARED = ("phone", "email", "city")
"""What a household may have in common besides its family name."""

_ROUNDS = 30
_NEVER = -99.0


@dataclass(frozen=True)
class Relatives:
    """How large a part of all pairs of rows are relatives, and of these, how many agree in each of ``SHARED``."""

    share: float
    agreeing: dict[str, float]


def learned(pairs: pl.DataFrame, settings: dict[str, Any], *, rows: int) -> Relatives:
    """By expectation maximisation: each pair is one person, two relatives or two strangers."""
    chance = pairs["chance"].to_numpy()
    match = chance / np.maximum(1 - chance, 1e-15)
    share = settings["probability_two_random_records_match"] / 2
    agreeing = {"phone": 0.5, "email": 0.1, "city": 0.8}
    for _ in range(_ROUNDS):
        relatives = Relatives(share, agreeing)
        kin = np.exp2(np.log2(share) + bits(pairs, settings, relatives).sum(axis=1))
        weight = kin / (1 + match + kin)
        share = max(float(weight.sum()) / (rows * (rows - 1) / 2), 1e-12)
        agreeing = {field: _share_of(pairs[f"is_{field}"], weight, agreeing[field]) for field in SHARED}
    return Relatives(share, agreeing)


def _share_of(agrees: pl.Series, weight: NDArray[np.float64], otherwise: float) -> float:
    known = agrees.is_not_null().to_numpy()
    among = float(weight[known].sum())
    if not among:
        return otherwise
    return float(np.clip(weight[agrees.fill_null(False).to_numpy()].sum() / among, 0.01, 0.95))


def bits(
    pairs: pl.DataFrame, settings: dict[str, Any], relatives: Relatives
) -> NDArray[np.float64]:
    """What speaks for two relatives rather than strangers: one column for the family name, one for each of ``SHARED``.

    Their given names and companies are those of strangers. A pair of another family name is never one of relatives.
    """
    columns = [np.where(pairs["is_family"].fill_null(False).to_numpy(), pairs["family"].to_numpy(), _NEVER)]
    for field in SHARED:
        agree_m, agree_u = exact_shares(settings, field)
        of_kin = relatives.agreeing[field]
        # The bits of a pair hold how rare its value is, so only the share is changed.
        agree = pairs[field].to_numpy() - np.log2(agree_m) + np.log2(of_kin)
        differ = np.log2((1 - of_kin) / (1 - agree_u))
        is_agreed = pairs[f"is_{field}"]
        either = np.where(is_agreed.fill_null(False).to_numpy(), agree, differ)
        columns.append(np.where(is_agreed.is_null().to_numpy(), 0.0, either))
    return np.column_stack(columns)


def exact_shares(settings: dict[str, Any], field: str) -> tuple[float, float]:
    """(m, u) of all levels of a comparison but the last, which is that nothing agrees."""
    comparison = next(each for each in settings["comparisons"] if each["output_column_name"] == field)
    last = comparison["comparison_levels"][-1]
    return 1 - last["m_probability"], 1 - last["u_probability"]
