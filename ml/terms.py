"""The words that all questions share: what a run knows, what learning returns, how a refusal looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]
Times = NDArray[np.datetime64]

State = dict[str, Any]
"""What an artifact holds: plain values, NumPy arrays and scikit-learn estimators."""


class NotEnoughData(Exception):
    """The data cannot carry an honest answer; `reason` is one sentence for the card and the page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Context:
    """One tenant at one moment. Nothing after `as_of` (aware) may influence what is learned or scored."""

    tenant_id: str
    as_of: datetime
    data_release: str
    country: str = ""
    """ISO 3166 alpha-2, for holidays; unknown countries have none."""
    currency: str = ""
    horizon_h: int = 336
    """How far ahead a failure is forecast, hours."""
    seed: int = 7
    missed_failure_cents: int = 250_000
    """Cost of a failure nobody prepared for, beyond that of a planned service."""
    unneeded_service_cents: int = 30_000
    """Cost of a service that prevented nothing."""

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise ValueError("as_of needs a time zone")

    @property
    def as_of_utc(self) -> datetime:
        return self.as_of.astimezone(UTC)


@dataclass(frozen=True)
class Examples:
    """Rows whose outcome is known, in a fixed order (by time where there is one)."""

    frame: pl.DataFrame
    labels: Bools
    units: Texts
    """Whom a row is about: rows of one unit are not independent, so resampling draws units."""
    times: Times | None
    """Moment of knowledge of each row; None for a snapshot, which knows no order."""
    gap: np.timedelta64 = field(default_factory=lambda: np.timedelta64(0, "s"))
    """How long after its moment a row's outcome becomes known."""

    def __len__(self) -> int:
        return self.frame.height

    @property
    def positive_count(self) -> int:
        return int(self.labels.sum())

    def take(self, rows: Bools) -> Examples:
        times = None if self.times is None else self.times[rows]
        return Examples(
            self.frame.filter(pl.Series(rows)), self.labels[rows], self.units[rows], times, self.gap
        )


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished attempt: what to keep, and how it did on data it had not seen."""

    question: str
    state: State
    metrics: Mapping[str, Any]
    baseline: Mapping[str, Any]
    split: Mapping[str, Any]
    data_until: datetime
    beats_baseline: bool
    verdict: str
    """Why it does or does not beat its baseline, in words."""
    losses_of: Callable[[State], Floats]
    """Losses of any version's state on this attempt's held-out data, so that two versions meet on equal ground."""
    units: Texts
    """Whom each loss is about."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """No model: the data does not carry one. Shown instead of a score."""

    question: str
    reason: str
