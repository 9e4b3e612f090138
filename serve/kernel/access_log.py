"""A line of JSON for each request, on the logger ``throughline.access``; written some at a time.

Writing each by itself costs a request more than all else that is noted about it (measured). A process that is killed
loses the lines of the last moment.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

import orjson

log = logging.getLogger("throughline.access")

PAUSE_S = 0.1
MOST_LINES = 256


class Line(NamedTuple):
    method: str
    path: str
    route: str
    status: int
    duration_ms: float
    request_id: str
    tenant_id: str | None


class AccessLog:
    """The lines that are not written yet."""

    def __init__(self) -> None:
        self._lines: list[Line] = []

    def add(self, line: Line) -> None:
        """It is written within ``PAUSE_S``."""
        if not self._lines:
            asyncio.get_running_loop().call_later(PAUSE_S, self.write)
        self._lines.append(line)
        if len(self._lines) >= MOST_LINES:
            self.write()

    def write(self) -> None:
        """What waits, as one record of as many lines."""
        lines, self._lines = self._lines, []
        if lines:
            log.info("%s", "\n".join(orjson.dumps(line._asdict()).decode() for line in lines))
