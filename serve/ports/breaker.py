"""Leaving a service alone that has failed again and again, so that nobody waits for it in vain."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

FAILURES = 5
PAUSE_S = 30.0
MOST = 10_000  # breakers that are remembered


class Resting(Exception):
    """The service is not asked for another ``wait_s``."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"not asked for {wait_s:.0f} s")
        self.wait_s = wait_s


class Breaker:
    """Closed after ``FAILURES`` in a row; then one call in ``PAUSE_S`` goes through, until one succeeds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._failures, self._again_at = clock, 0, 0.0

    def admit(self) -> None:
        """Ask before each call. Raises Resting."""
        if self._failures < FAILURES:
            return
        wait_s = self._again_at - self._clock()
        if wait_s > 0:
            raise Resting(wait_s)
        self._again_at = self._clock() + PAUSE_S  # this one tries; the others wait for what it finds

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._again_at = self._clock() + PAUSE_S


class Breakers:
    """One for each tenant and service: a tenant's wrong settings say nothing about another's."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[UUID, str], Breaker] = OrderedDict()

    def of(self, tenant_id: UUID, service: str) -> Breaker:
        breaker = self._known.setdefault((tenant_id, service), Breaker(self._clock))
        self._known.move_to_end((tenant_id, service))
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return breaker
