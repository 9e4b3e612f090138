"""Small loops beside the requests: work that is done again and again while the service runs.

A loop that fails is logged and tried again, later each time; it never stops the others, the start or a request. Several
API processes run the same loops, so the work itself must bear that: take a lock, or lock rows with ``skip locked``.
What takes long or must survive a crash in the middle is no work for a loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from serve.kernel.errors import Unavailable

log = logging.getLogger("throughline.background")

LONGEST_PAUSE_S = 30.0
AGAIN_S = 0.2


class Background:
    """The loops of one running application. Switched off it starts none."""

    def __init__(self, *, is_on: bool = True) -> None:
        self._is_on = is_on
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def running_count(self) -> int:
        return sum(not task.done() for task in self._tasks)

    def every(self, pause_s: float, work: Callable[[], Awaitable[object]], *, name: str) -> None:
        """Do ``work`` now and again ``pause_s`` after each end of it, until ``stop``."""
        if self._is_on:
            self._tasks.append(asyncio.create_task(_repeat(pause_s, work, name), name=name))

    async def stop(self) -> None:
        """End all loops, wherever they are; what was not committed is rolled back.

        Asked again until they do: a library that gets its answer in the moment of a cancellation may swallow it
        (asyncpg does while it connects), and then a loop would go on for ever.
        """
        while pending := [task for task in self._tasks if not task.done()]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=AGAIN_S)
        self._tasks.clear()


async def _repeat(pause_s: float, work: Callable[[], Awaitable[object]], name: str) -> None:
    failures = 0
    while True:
        try:
            await work()
            failures = 0
        except Unavailable as away:  # such as the database: one line, not its whole story each time
            failures += 1
            log.warning("%s waits: %s", name, away.detail)
        except Exception:
            failures += 1
            log.exception("%s failed for the %d. time in a row", name, failures)
        await asyncio.sleep(pause_after(failures, pause_s))


def pause_after(failures: int, pause_s: float) -> float:
    """Seconds until the next try: doubled with each failure in a row.

    >>> [pause_after(failures, 0.5) for failures in (0, 1, 2, 3, 100)]
    [0.5, 1.0, 2.0, 4.0, 30.0]
    """
    if not failures:
        return pause_s
    return min(pause_s * (1 << min(failures, 20)), max(LONGEST_PAUSE_S, pause_s))
