"""The end of a process: what runs is finished, what comes new is sent elsewhere."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Draining:
    """Whether the process is about to stop. New requests are refused from then on.

    ``told`` are called when it begins: by whoever would not end by itself.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.told: list[Callable[[], None]] = []

    def begin(self) -> None:
        self.has_begun = True
        for each in self.told:
            each()

    @contextmanager
    def on_signal(self, *, pause_s: float) -> Iterator[None]:
        """Begin with the signal that stops the server, which gets it ``pause_s`` later.

        In the pause load balancers see that the process is not ready any more; a second signal cuts it short. Only the
        main thread may look at signals; elsewhere, as in tests, nothing happens.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def noticed(number: int, frame: FrameType | None) -> None:
            is_first, self.has_begun = not self.has_begun, True
            if is_first:
                loop.call_soon_threadsafe(self.begin)
            pass_on: Any = before[signal.Signals(number)]
            if not callable(pass_on):
                raise KeyboardInterrupt
            if is_first and pause_s > 0:
                loop.call_soon_threadsafe(loop.call_later, pause_s, pass_on, number, None)
            else:
                pass_on(number, frame)

        for number in _SIGNALS:
            signal.signal(number, noticed)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
