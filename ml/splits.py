"""Who learns and who examines: later data where time is known, published-style strata where it is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from ml.terms import Bools, Examples, Floats, NotEnoughData, Texts

MIN_POSITIVES = 5
"""Fewer of either outcome in a part, and its figures would be noise."""


def hold_out(examples: Examples, *, share: float, seed: int) -> tuple[Examples, Examples, dict[str, Any]]:
    """The part to learn from, the part to be examined on, and the split in words.

    In time: the last `share` of rows examine, and a row may teach only if its outcome was known before the first of
    them (the gap). A snapshot is split within each outcome by a seeded hash of the unit, so nearly every
    unit keeps its side when the set grows.

    Raises
    ------
    NotEnoughData
        If either part has too few of either outcome.
    """
    _require_both(examples, "known")
    if examples.times is None:
        examined = _strata(examples, seed) < share
        learn, exam = examples.take(~examined), examples.take(examined)
        words = {"kind": "stratified", "share": share, "seed": seed}
    else:
        start = np.quantile(examples.times.astype("datetime64[s]").astype(np.int64), 1 - share)
        first = np.datetime64(int(start), "s")
        learn = examples.take(examples.times + examples.gap <= first)
        exam = examples.take(examples.times >= first)
        words = {
            "kind": "time",
            "test_from": str(first),
            "gap_h": float(examples.gap / np.timedelta64(1, "h")),
        }
    for name, part in (("learning", learn), ("held-out", exam)):
        _require_both(part, name)
    sizes = {"train_rows": len(learn), "test_rows": len(exam)}
    positives = {"train_positives": learn.positive_count, "test_positives": exam.positive_count}
    return learn, exam, words | sizes | positives


def folds(examples: Examples, *, count: int, seed: int) -> Iterator[tuple[Bools, Bools]]:
    """Masks (learn, judge) for inner choices, of the same kind as the outer split; unusable folds are left out.

    In time the judged parts follow one another over the later 60 % of rows, each after a gap.
    """
    if examples.times is None:
        strata = _strata(examples, seed + 1)
        pairs = [((strata * count).astype(int) != k, (strata * count).astype(int) == k) for k in range(count)]
    else:
        seconds = examples.times.astype("datetime64[s]")
        cuts = np.quantile(seconds.astype(np.int64), np.linspace(0.4, 1.0, count + 1)).astype(np.int64)
        cuts[-1] += 1
        edges = cuts.astype("datetime64[s]")
        pairs = [
            (seconds + examples.gap <= low, (seconds >= low) & (seconds < high))
            for low, high in pairwise(edges)
        ]
    for learn, judge in pairs:
        if all(_has_both(examples.labels[part]) for part in (learn, judge)):
            yield learn, judge


def _strata(examples: Examples, seed: int) -> Floats:
    """Each row's place (0 to 1) in its outcome's order of hashes."""
    order = _hashes(examples.units, seed)
    place = np.empty(len(examples))
    for outcome in (False, True):
        rows = np.flatnonzero(examples.labels == outcome)
        ranks = np.argsort(np.argsort(order[rows], kind="stable"), kind="stable")
        place[rows] = (ranks + 0.5) / max(len(rows), 1)
    return place


def _hashes(units: Texts, seed: int) -> Texts:
    return np.array([hashlib.blake2b(f"{seed}:{unit}".encode(), digest_size=8).hexdigest() for unit in units])


def _has_both(labels: Bools) -> bool:
    positives = int(labels.sum())
    return positives >= MIN_POSITIVES and len(labels) - positives >= MIN_POSITIVES


def _require_both(part: Examples, name: str) -> None:
    if not _has_both(part.labels):
        raise NotEnoughData(
            f"The {name} part has {part.positive_count} of {len(part)} rows with the outcome; "
            f"at least {MIN_POSITIVES} with and without it are needed."
        )
