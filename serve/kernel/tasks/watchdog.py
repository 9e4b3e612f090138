"""Ends a process whose event loop stands still: its handlers, its word that it lives, nothing in it goes on."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import threading

LOOK_EVERY_S = 1.0


class Watchdog:
    """A thread that asks the loop for an answer. One that never comes is a handler that never gives way.

    The supervisor starts the worker again; the task counts one try more, and is given up like one that kills.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s, self._stopped = longest_s, threading.Event()

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, args=(loop,), name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            answered = threading.Event()
            loop.call_soon_threadsafe(answered.set)
            if not answered.wait(self._longest_s) and not self._stopped.is_set():
                faulthandler.dump_traceback(
                    all_threads=True
                )  # whoever reads the log sees which handler it is
                os.kill(os.getpid(), signal.SIGKILL)
