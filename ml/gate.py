"""Who answers: a new version takes over only if it beats the dull baseline and is not worse than the present one.

Both versions meet on the newest held-out data, which neither has learned from (time only moves forward, and a snapshot
keeps its split). Their losses are compared row by row; whole units (vehicles, accounts, leads, cut-offs) are redrawn
300 times. *Worse beyond noise* means: in 95 % of the draws the newcomer's mean loss is higher.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.metrics import resamples
from ml.terms import State, Trained

SEED = 11


@dataclass(frozen=True)
class Decision:
    """Whether the newcomer is promoted, and why, in words for its card."""

    promote: bool
    why: str


def decide(challenger: Trained, champion: State | None) -> Decision:
    """Compare a finished attempt with the state of the version that answers now (None: nobody does)."""
    if not challenger.beats_baseline:
        return Decision(False, f"It does not beat its baseline: {challenger.verdict}.")
    if champion is None:
        return Decision(True, f"The first sound version; it beats its baseline: {challenger.verdict}.")
    theirs = challenger.losses_of(champion)
    ours = challenger.losses_of(challenger.state)
    if not len(ours) or not np.isfinite(theirs).all():
        return Decision(True, "The champion cannot be scored on this data.")
    worse_by = ours - theirs
    low = float(np.quantile([worse_by[rows].mean() for rows in resamples(challenger.units, seed=SEED)], 0.05))
    figures = f"mean loss {ours.mean():.4f} against the champion's {theirs.mean():.4f}"
    if low > 0:
        return Decision(False, f"It is worse than the champion beyond noise: {figures}.")
    return Decision(True, f"It is not worse than the champion beyond noise: {figures}.")
