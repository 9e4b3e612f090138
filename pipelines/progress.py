"""What a person at a terminal sees while a run goes on. Silent unless somebody turned it on."""

from __future__ import annotations

import os
import sys
import time

_started = time.monotonic()


def turn_on() -> None:
    """Show progress in this process and the ones it starts."""
    os.environ["THROUGHLINE_PROGRESS"] = "1"


def say(text: str) -> None:
    """One line with the seconds since the process began."""
    if os.environ.get("THROUGHLINE_PROGRESS"):
        print(f"[{time.monotonic() - _started:6.1f} s] {text}", flush=True)


class Counter:
    """A running count on one line of a terminal; elsewhere only its end is printed."""

    def __init__(self, what: str) -> None:
        self.what, self.done, self._shown = what, 0, 0.0

    def add(self, label: str, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if os.environ.get("THROUGHLINE_PROGRESS") and sys.stdout.isatty() and now - self._shown > 0.1:
            self._shown = now
            print(f"\r\033[K{'':11}{self.what}: {self.done:,} rows ({label})", end="", flush=True)

    def end(self) -> None:
        if os.environ.get("THROUGHLINE_PROGRESS") and sys.stdout.isatty():
            print("\r\033[K", end="")
        say(f"{self.what}: {self.done:,} rows")
