"""Clients that ask for tasks without a pause while parts of the service are killed; what they heard."""

from __future__ import annotations

import json
import random
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from tests.faults.service import LONGEST_S

if TYPE_CHECKING:
    from tests.faults.test_tasks import Office

CLIENTS = 3
KINDS_OF_WORK = (["in 1"], ["in 1", "out 2", "in 3"], ["out 1", "in 2"], ["in 1", "once 2"])


class Storm:
    """Use as a context: in it clients are at work, after it each has an answer to everything it asked."""

    def __init__(self, office: Office, *, seed: str) -> None:
        self.office, self.draw = office, random.Random(seed)
        self.worker = office.worker()
        self.acknowledged: dict[str, list[str]] = {}  # ids by request
        self._news, self._is_over = threading.Condition(), threading.Event()
        self._clients = [
            threading.Thread(target=self._ask, args=(office.service.tenant(), random.Random(f"{seed} {n}")))
            for n in range(CLIENTS)
        ]
        self._failures: list[BaseException] = []
        self._outages = 0

    def __enter__(self) -> Storm:
        self.worker.start()
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        for client in self._clients:
            client.join()
        if error is None and self._failures:
            raise self._failures[0]

    def _ask(self, tenant_id: UUID, draw: random.Random) -> None:
        client = self.office.service.client(tenant_id)
        try:
            while not self._is_over.is_set():
                key = str(uuid4())
                params = {"steps": draw.choice(KINDS_OF_WORK), "pause_s": draw.choice([0, 0.01, 0.1])}
                body = json.dumps({"params": params, "count": draw.choice([1, 1, 3])}).encode()
                self._send(client, key, body)
                time.sleep(0.05)  # enough to keep a worker busy, not to bury it
        except BaseException as error:
            self._failures.append(error)
        finally:
            client.close()

    def _send(self, client: object, key: str, body: bytes) -> None:
        """Again and again with its key, until there is an answer that says what was done."""
        deadline = time.monotonic() + LONGEST_S
        headers = {"X-Request-ID": key, "Idempotency-Key": key}
        while time.monotonic() < deadline:
            answer = client.send("POST", "/api/v1/tests/tasks", body, headers)  # type: ignore[attr-defined]
            if answer is not None and answer.status == 200:
                with self._news:
                    self.acknowledged[key] = json.loads(answer.body)["data"]["ids"]
                    self._news.notify_all()
                return
            assert answer is None or answer.status in (409, 503), answer
            time.sleep(0.1)
        raise AssertionError(f"no answer within {LONGEST_S:.0f} s")

    def kill(self, victim: str) -> None:
        """In the middle of their work, at a moment that is drawn."""
        with self._news:
            heard = len(self.acknowledged) + self.draw.randint(3, 15)
            assert self._news.wait_for(lambda: len(self.acknowledged) >= heard or self._failures, LONGEST_S)
        time.sleep(self.draw.uniform(0, 0.3))
        self._supervise()
        if victim == "worker":
            self.worker.kill()
            self.worker.start()
        else:
            role = self.draw.choice(["throughline_api", "throughline_worker"])
            self.office.service.kill(victim, self.draw, role=role)
            self._outages += 1

    def _supervise(self) -> None:
        """A worker may end by itself when it loses the database in the middle of its start, and then only."""
        if not self.worker.lives:
            self._outages -= 1
            assert self._outages >= 0, self.worker.said()[-3000:]
            self.worker.start()

    def calm(self) -> None:
        """Everything has come to an end, and nothing was lost or doubled: neither tasks nor what they do."""
        self._supervise()
        told = {task_id for ids in self.acknowledged.values() for task_id in ids}
        self.office.check(*told)
        found = self.office.service.sql("select request_id, array_agg(id::text) from tasks group by 1")
        stored = {request_id: set(ids) for request_id, ids in found}
        assert stored == {key: set(ids) for key, ids in self.acknowledged.items()}
