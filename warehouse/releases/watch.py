"""Stops queries that run past their time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from warehouse.releases.store import ReleaseError

_WATCH_EVERY_S = 0.05


class QueryTimeout(ReleaseError):
    """The query ran longer than it was allowed to and was stopped."""


@dataclass(slots=True)
class _Running:
    cursor: duckdb.DuckDBPyConnection
    deadline: float
    was_stopped: bool = False


class Watch:
    """Interrupts queries that run past their time, at most 50 ms late; one thread for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, _Running] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
        entry = _Running(cursor, time.monotonic() + seconds)
        with self._lock:
            self._running[id(entry)] = entry
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="query-watch", daemon=True)
                self._thread.start()
        try:
            yield
        except (duckdb.Error, pa.ArrowException):
            if entry.was_stopped:
                raise QueryTimeout(f"the query was stopped after {seconds:g} s") from None
            raise
        finally:
            # Under the lock: once this returns nobody interrupts the cursor's next query.
            with self._lock:
                del self._running[id(entry)]

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._stopped.wait(_WATCH_EVERY_S):
            now = time.monotonic()
            with self._lock:
                for entry in self._running.values():
                    if now > entry.deadline:
                        entry.was_stopped = True
                        entry.cursor.interrupt()
