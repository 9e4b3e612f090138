"""Relatives and colleagues: answers beside one person and strangers, or whoever shares a telephone is taken for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

_ROUNDS = 30
_NEVER = -99.0
_MOST_BITS = 60.0
_LEAST, _MOST = 0.01, 0.95
_FEW = 20
"""Relatives that so few rows show are taken to share what is typical."""


@dataclass(frozen=True)
class Kin:
    """Two people who are one of a kind: how large a part of all pairs of rows they are, what they have in common
    (``by``), and how many of them agree in each further field. In all other fields they are strangers."""

    by: str
    share: float
    agreeing: dict[str, float]
    by_is_known: bool = True


def learned(
    rows: pl.DataFrame, pairs: pl.DataFrame, settings: dict[str, Any], typical: dict[str, float]
) -> list[Kin]:
    """Relatives and colleagues, from ``features.prepared`` and the pairs of it that were compared; ``typical`` is how
    many relatives agree in a field where these are too few to tell."""
    return [_relatives(rows, pairs, settings, typical), _colleagues(rows)]


def _relatives(
    rows: pl.DataFrame, pairs: pl.DataFrame, settings: dict[str, Any], typical: dict[str, float]
) -> Kin:
    """By expectation maximisation: each pair is one person, two people of one family name, or two strangers."""
    chance = pairs["chance"].to_numpy()
    match = chance / np.maximum(1 - chance, 1e-15)
    kin = Kin("family", settings["probability_two_random_records_match"] / 2, typical)
    for _ in range(_ROUNDS):
        odds = np.exp2(np.minimum(bits(pairs, settings, kin).sum(axis=1), _MOST_BITS))
        weight = odds / (1 + match + odds)
        kin = Kin(
            kin.by,
            _share(float(weight.sum()), rows.height),
            {field: _part(pairs[f"is_{field}"], weight, was, _FEW) for field, was in typical.items()},
        )
    return kin


def _colleagues(rows: pl.DataFrame) -> Kin:
    """Counted: one company and one telephone, and nothing of the names in common, are two people. Whose company one
    row does not say may be a colleague all the same."""
    known = rows.drop_nulls(["company", "phone", "given", "family"])
    two = known.join(known, on=["company", "phone"], suffix="_other").filter(
        (pl.col("unique_id") < pl.col("unique_id_other"))
        & (pl.col("given").str.slice(0, 1) != pl.col("given_other").str.slice(0, 1))
        & (pl.col("family") != pl.col("family_other"))
    )
    weight = np.ones(two.height)
    shares = {"phone": _MOST, "email": _part(two["email"] == two["email_other"], weight, _LEAST)}
    of = known.height if two.height else rows.height
    return Kin("company", _share(two.height, of), shares, by_is_known=False)


def _share(pairs: float, rows: int) -> float:
    """One at least is taken to be there."""
    return min(max(pairs, 1) / max(rows * (rows - 1) / 2, 1), 0.5)


def _part(agrees: pl.Series, weight: NDArray[np.float64], otherwise: float, least: float = 1) -> float:
    among = float(weight[agrees.is_not_null().to_numpy()].sum())
    if among < least:
        return otherwise
    return float(np.clip(weight[agrees.fill_null(False).to_numpy()].sum() / among, _LEAST, _MOST))


def bits(pairs: pl.DataFrame, settings: dict[str, Any], kind: Kin) -> NDArray[np.float64]:
    """What speaks for that kind rather than strangers: a column for how frequent it is, then one for each field."""
    by, is_by = pairs[kind.by].to_numpy(), pairs[f"is_{kind.by}"]
    unknown = _NEVER if kind.by_is_known else 0.0
    columns = [
        np.full(pairs.height, np.log2(kind.share)),
        np.where(
            is_by.is_null().to_numpy(), unknown, np.where(is_by.fill_null(False).to_numpy(), by, _NEVER)
        ),
    ]
    for field, of_kin in kind.agreeing.items():
        agree_m, agree_u = agreeing(settings, field)
        # The bits of a pair hold how rare its value is, so only the share is changed.
        agree = pairs[field].to_numpy() - np.log2(agree_m) + np.log2(of_kin)
        differ = np.log2((1 - of_kin) / (1 - agree_u))
        is_agreed = pairs[f"is_{field}"]
        either = np.where(is_agreed.fill_null(False).to_numpy(), agree, differ)
        columns.append(np.where(is_agreed.is_null().to_numpy(), 0.0, either))
    return np.column_stack(columns)


def agreeing(settings: dict[str, Any], field: str) -> tuple[float, float]:
    """(m, u) of all levels of a comparison but the last, which is that nothing agrees."""
    comparison = next((each for each in settings["comparisons"] if each["output_column_name"] == field), None)
    if comparison is None:
        return 0.5, 0.5
    last = comparison["comparison_levels"][-1]
    return 1 - last["m_probability"], 1 - last["u_probability"]
