"""Clients at work: they create, change, delete and restore rows, some of them the same ones, and keep a ledger."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.ledger import Ledger, Write
from tests.faults.service import LONGEST_S, Answer, Service

CLIENTS = 6
BULK_ROWS = 5
PAUSE_S = 0.1  # after no answer: whoever asks all the time keeps the service from starting
STILL_RUNNING = 409
MARKS = {"accounts": "city", "contacts": "job_title", "vehicles": "model"}
"""The tables, and a column of each into which every create and change writes its own id."""

PERSONAL = {"accounts": "name", "contacts": "full_name"}


def fields_of(table: str, mark: str) -> dict[str, Any]:
    """A new row that a client might send."""
    if table == "accounts":
        return {"name": f"Firm {mark}", "country": "DE", "city": mark}
    if table == "contacts":
        return {"full_name": f"Ada {mark}", "email": f"{mark}@example.org", "job_title": mark}
    return {
        "registration": mark,
        "make": "Opel",
        "model": mark,
        "model_year": 2024,
        "acquired_date": "2024-03-01",
        "acquisition_cost_cents": 3_200_000,
        "currency": "EUR",
    }


class Crowd:
    """The clients of one tenant, over rows that all of them know."""

    def __init__(self, service: Service, ledger: Ledger, seed: str) -> None:
        self.service, self.ledger = service, ledger
        self.rows: deque[tuple[str, str]] = deque(maxlen=200)
        self.members = [Member(self, number, f"{seed} {number}") for number in range(CLIENTS)]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """During the block; then each finishes what it is at, and every request with a key has its answer."""
        done = threading.Event()
        failures: list[BaseException] = []

        def work(member: Member) -> None:
            try:
                while not done.is_set():
                    member.act()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work, args=(member,)) for member in self.members]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]


class Member:
    """One client and what it does next, drawn by its seed."""

    def __init__(self, crowd: Crowd, number: int, seed: str) -> None:
        self.crowd, self.number, self.draw = crowd, number, random.Random(seed)
        self.client = crowd.service.client(crowd.ledger.tenant_id)
        self._count = 0

    def act(self) -> None:
        doings: list[tuple[Callable[[], None], int]] = [
            (self.create, 30),
            (self.patch, 40),
            (self.delete, 10),
            (self.restore, 8),
            (self.bulk, 12),
        ]
        do = self.draw.choices([each for each, _ in doings], [weight for _, weight in doings])[0]
        do() if self.crowd.rows else self.create()

    def create(self) -> None:
        table = self._table()
        write = self._write("POST", f"/api/v1/{table}", table, "created", key=0.7)
        write.body = json.dumps(fields_of(table, write.id)).encode()
        self._send(write)

    def bulk(self) -> None:
        table = self._table()
        write = self._write("POST", f"/api/v1/{table}/bulk", table, "created", key=0.8)
        rows = [fields_of(table, f"{write.id}.{index}") for index in range(BULK_ROWS)]
        if self.draw.random() < 0.3:  # 207: one row fails for itself
            rows[self.draw.randrange(BULK_ROWS)] |= {MARKS[table]: "x" * 1000}
            write.row_count = BULK_ROWS - 1
        else:
            write.row_count = BULK_ROWS
        write.body = json.dumps({"rows": rows}).encode()
        self._send(write)

    def patch(self) -> None:
        table, row_id = self._row()
        write = self._write("PATCH", f"/api/v1/{table}/{row_id}", table, "updated", key=0.6, entity_id=row_id)
        if self.draw.random() < 0.6:
            write.if_match = self._version(write)
            if write.if_match is None:
                return
        changes = {MARKS[table]: write.id}
        if table in PERSONAL and self.draw.random() < 0.5:
            changes[PERSONAL[table]] = f"Eve {write.id}"
        write.body = json.dumps(changes).encode()
        self._send(write)

    def delete(self) -> None:
        table, row_id = self._row()
        write = self._write("DELETE", f"/api/v1/{table}/{row_id}", table, "deleted", entity_id=row_id)
        if self.draw.random() < 0.5:
            write.if_match = self._version(write)
            if write.if_match is None:
                return
        self._send(write)

    def restore(self) -> None:
        table, row_id = self._row()
        path = f"/api/v1/{table}/{row_id}/restore"
        self._send(self._write("POST", path, table, "restored", key=0.6, entity_id=row_id))

    def _send(self, write: Write) -> None:
        """Once; with a key, until there is an answer that says what became of it."""
        ledger, deadline = self.crowd.ledger, time.monotonic() + LONGEST_S
        while True:
            ledger.sending(write)
            answer = self.client.send(write.method, write.path, write.body, write.headers)
            ledger.answered(write, answer)
            if write.key is None or not (write.is_open or is_still_running(answer)):
                break
            assert time.monotonic() < deadline, f"the key of {write.id} stays of no use: {write.answer!r}"
            time.sleep(PAUSE_S)
        if write.key is None and write.is_open:
            time.sleep(PAUSE_S)
        if write.is_done and write.does == "created":
            self.crowd.rows.extend((write.table, row_id) for row_id in sorted(write.created_ids()))

    def _version(self, write: Write) -> str | None:
        """What somebody who reads the row is told; None when there is nothing to be read."""
        answer = self.client.send("GET", f"/api/v1/{write.table}/{write.entity_id}")
        return answer.headers["etag"] if answer and answer.status == 200 else None

    def _write(self, method: str, path: str, table: str, does: str, *, key: float = 0, **more: Any) -> Write:
        self._count += 1
        name = f"w{self.number}-{self._count}"
        return Write(name, method, path, table, does, key=name if self.draw.random() < key else None, **more)

    def _table(self) -> str:
        return self.draw.choice([*MARKS])

    def _row(self) -> tuple[str, str]:
        """Often one that others are at, too."""
        rows = [*self.crowd.rows]
        return self.draw.choice(rows[-6:] if self.draw.random() < 0.6 else rows)


def is_still_running(answer: Answer | None) -> bool:
    return (
        answer is not None
        and answer.status == STILL_RUNNING
        and json.loads(answer.body)["error"]["code"] == "STILL_RUNNING"
    )
