"""What clients have sent and what they were told, written down outside the system under test."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.faults.service import Answer


@dataclass
class Write:
    """One wish of a client, sent once or again and again with the same key; ``id`` is its ``X-Request-ID``.

    Events carry the request id, so what a write did can be told from the store alone.
    """

    id: str
    method: str
    path: str
    table: str
    does: str  # the second word of its events
    body: bytes | None = None
    key: str | None = None
    if_match: str | None = None
    entity_id: str | None = None  # of the row that it changes
    row_count: int = 1
    sent_at: float = 0.0
    answered_at: float = 0.0
    status: int = 0  # 0: no answer
    answer: bytes = b""
    etag: str | None = None
    sends: int = 0

    @property
    def headers(self) -> dict[str, str]:
        chosen = {"X-Request-ID": self.id, "Idempotency-Key": self.key, "If-Match": self.if_match}
        return {name: value for name, value in chosen.items() if value is not None}

    @property
    def is_done(self) -> bool:
        """The client was told that it happened."""
        return 200 <= self.status < 300

    @property
    def is_open(self) -> bool:
        """The client does not know: no answer, or one that says nothing about what was done."""
        return self.status == 0 or self.status >= 500

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.answer)["data"]

    @property
    def version(self) -> int | None:
        return int(self.etag.strip('"'), 16) if self.etag else None

    def created_ids(self) -> set[str]:
        """The rows that the answer names."""
        if self.path.endswith("/bulk"):
            return {result["id"] for result in self.data["results"] if result["status"] != "failed"}
        return {self.data["id"]}


@dataclass
class Ledger:
    """Of one tenant. Every line is in the file before the request leaves and when its answer is there."""

    tenant_id: UUID
    file: Path
    writes: dict[str, Write] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    _news: threading.Condition = field(default_factory=threading.Condition)
    sent_count: int = 0
    done_count: int = 0

    def sending(self, write: Write) -> None:
        with self._news:
            write.sends += 1
            write.sent_at = write.sent_at or time.monotonic()
            self.writes[write.id] = write
            self.sent_count += 1
            self._line(write.id, "sent", write.method, write.path, (write.body or b"").decode())
            self._news.notify_all()

    def answered(self, write: Write, answer: Answer | None) -> None:
        with self._news:
            write.answered_at = time.monotonic()
            write.status = answer.status if answer else 0
            write.answer = answer.body if answer else b""
            write.etag = answer.headers.get("etag") if answer else None
            self.statuses[write.status] += 1
            self.done_count += write.is_done
            self._line(write.id, "answered", write.status, write.etag or "", write.answer.decode())
            self._news.notify_all()

    def wait_for(self, *, sent: int = 0, done: int = 0, timeout_s: float = 60) -> None:
        """Until so many more requests have left, and so many more have come to a good end."""
        sent, done = sent + self.sent_count, done + self.done_count
        with self._news:
            came = self._news.wait_for(lambda: self.sent_count >= sent and self.done_count >= done, timeout_s)
        assert came, f"clients stand still: {self.statuses}"

    def _line(self, *words: object) -> None:
        with self.file.open("a") as file:
            file.write(json.dumps([round(time.time(), 4), *words]) + "\n")
