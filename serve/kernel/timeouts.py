"""Requests that take too long are given up: one timer looks at all that run, because a timer each would cost more."""

from __future__ import annotations

import asyncio

_LOOKS = 8


class Running:
    """The requests at work, oldest first, and when each is too late."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._pause_s = min(timeout_s / _LOOKS, 1.0)
        self._tasks: dict[object, tuple[float, asyncio.Task[object]]] = {}
        self._late: set[object] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, request: object) -> None:
        """The present task works for this request from now on; it is cancelled once when that takes too long."""
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._tasks[request] = (loop.time() + self._timeout_s, task)
        if self._timer is None:
            self._timer = loop.call_later(self._pause_s, self._look, loop)

    def prolong(self, request: object) -> None:
        """It has its whole time once more: what it is sent is still coming."""
        entry = self._tasks.get(request)
        if entry is not None and request not in self._late:
            self._tasks[request] = (entry[1].get_loop().time() + self._timeout_s, entry[1])

    def exempt(self, request: object) -> None:
        """It may take as long as it likes: its answer has begun."""
        entry = self._tasks.get(request)
        if entry is not None:
            self._tasks[request] = (float("inf"), entry[1])

    def end(self, request: object) -> None:
        self._tasks.pop(request, None)
        self._late.discard(request)

    def is_late(self, request: object) -> bool:
        """Whether the request was cancelled for being late."""
        return request in self._late

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for request, (deadline, task) in self._tasks.items():
            if deadline <= now and request not in self._late:
                self._late.add(request)
                task.cancel()
        self._timer = loop.call_later(self._pause_s, self._look, loop) if self._tasks else None
