"""How often: the generic cell rate algorithm, in the memory of one process."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable

_MOST_KEYS = 100_000


class RateLimit:
    """``burst`` at once, then one each ``60 / per_min`` seconds, counted for each key apart."""

    def __init__(self, per_min: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s, self._burst, self._clock = 60.0 / per_min, burst, clock
        self._full_at: dict[Hashable, float] = {}

    def wait_s(self, key: Hashable) -> int:
        """Whole seconds until the key may try again; 0 when it may now. Counts nothing."""
        over = self._full_at.get(key, 0.0) - self._clock() - self._interval_s * (self._burst - 1)
        return max(0, math.ceil(over))

    def count(self, key: Hashable) -> None:
        """One attempt."""
        now = self._clock()
        self._full_at[key] = max(self._full_at.get(key, now), now) + self._interval_s
        if len(self._full_at) > _MOST_KEYS:
            self._full_at = {each: full_at for each, full_at in self._full_at.items() if full_at > now}

    def forget(self, key: Hashable) -> None:
        self._full_at.pop(key, None)
