"""A hundred sends of one key at once, also while processes are killed: one effect, and one answer for all."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from tests.faults.crowd import BULK_ROWS, fields_of, is_still_running
from tests.faults.service import LONGEST_S, VICTIMS, Answer, Service

SENDERS = 100
TORTURES, KILLS_EACH = 10, 20


@dataclass
class Call:
    """A request that all senders send, and how many rows it is about."""

    method: str
    path: str
    body: bytes | None
    row_count: int = 1


@dataclass
class Storm:
    """All senders of one call with one key; each sends until it is told what became of it."""

    service: Service
    tenant_id: UUID
    call: Call
    key: str
    final: list[Answer] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    begun: threading.Barrier = field(default_factory=lambda: threading.Barrier(SENDERS + 1))
    longest_s: float = 0.0

    @contextmanager
    def raging(self) -> Iterator[None]:
        """During the block and until everybody has the answer."""
        threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        self.begun.wait()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()
        assert not self.failures, self.failures[:3]

    def _send(self) -> None:
        client, call = self.service.client(self.tenant_id), self.call
        headers = {"Idempotency-Key": self.key, "X-Request-ID": self.key}
        self.begun.wait()
        began = time.monotonic()
        while time.monotonic() < began + LONGEST_S:
            answer = client.send(call.method, call.path, call.body, headers)
            self.statuses[answer.status if answer else 0] += 1
            if answer is not None and answer.status < 500 and not is_still_running(answer):
                self.final.append(answer)
                break
            if answer is not None and answer.status == 409 and "retry-after" not in answer.headers:
                self.failures.append(f"{answer} does not say when to come again")
            time.sleep(0.3)  # a hundred that ask all the time keep the service from starting
        else:
            self.failures.append(f"the key is of no use after {LONGEST_S:.0f} s: {answer}")
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        client.close()

    def check(self) -> None:
        """One effect with its events, equal answers, all but one of them repeated, and a key that knows its request."""
        assert len(self.final) == SENDERS
        assert {(answer.status, answer.body) for answer in self.final} == {
            (self.final[0].status, self.final[0].body)
        }
        assert 200 <= self.final[0].status < 300, self.final[0]
        first = sum("idempotency-replayed" not in answer.headers for answer in self.final)
        assert first <= 1, f"{first} senders were told that they were the first"
        assert not self.statuses[500], self.service.said()
        found = self.service.sql(
            "select count(*), count(distinct entity_id) from events where tenant_id = %s and request_id = %s",
            *(self.tenant_id, self.key),
        )
        assert found == [(self.call.row_count, self.call.row_count)]
        other = self.service.client(self.tenant_id).send(
            self.call.method, self.call.path, b'{"city": "elsewhere"}', {"Idempotency-Key": self.key}
        )
        assert other is not None
        assert other.status == 422, other

    def nothing_is_left_behind(self) -> None:
        """No key without an answer, nothing that still runs or waits."""
        self.service.settle()
        assert self.service.sql("select count(*) from idempotency_keys where status is null") == [(0,)]


class Calls:
    """Requests of every kind that a key can go with, one after another."""

    def __init__(self, service: Service, tenant_id: UUID) -> None:
        self.service, self.tenant_id = service, tenant_id
        self._count = 0

    def next(self) -> tuple[Call, str]:
        self._count += 1
        key, kind = f"storm-{self._count}", self._count % 4
        if kind == 1:
            return Call("POST", "/api/v1/accounts", json.dumps(fields_of("accounts", key)).encode()), key
        if kind == 2:
            rows = [fields_of("contacts", f"{key}.{index}") for index in range(BULK_ROWS)]
            body = json.dumps({"rows": rows}).encode()
            return Call("POST", "/api/v1/contacts/bulk", body, BULK_ROWS), key
        row = self._row(f"row-{self._count}")
        if kind == 3:
            return Call("PATCH", f"/api/v1/vehicles/{row}", json.dumps({"model": key}).encode()), key
        client = self.service.client(self.tenant_id)
        gone = client.send("DELETE", f"/api/v1/vehicles/{row}")
        assert gone is not None
        assert gone.status == 200, gone
        return Call("POST", f"/api/v1/vehicles/{row}/restore", None), key

    def _row(self, mark: str) -> str:
        client = self.service.client(self.tenant_id)
        made = client.send("POST", "/api/v1/vehicles", json.dumps(fields_of("vehicles", mark)).encode())
        assert made is not None
        assert made.status == 201, made
        return str(json.loads(made.body)["data"]["id"])


def test_a_hundred_sends_of_one_key_have_one_effect(service: Service):
    tenant_id = service.tenant()
    calls = Calls(service, tenant_id)
    for _ in range(4):
        storm = Storm(service, tenant_id, *calls.next())
        with storm.raging():
            pass
        storm.check()
        assert storm.statuses.keys() <= {200, 201, 409}
    storm.nothing_is_left_behind()


def storms_with_kills(service: Service, draw: random.Random, victims: list[str]) -> list[Storm]:
    tenant_id = service.tenant()
    calls = Calls(service, tenant_id)
    storms: list[Storm] = []
    for victim in victims:
        storm = Storm(service, tenant_id, *calls.next())
        with storm.raging():
            time.sleep(
                draw.uniform(0, 0.15)
            )  # the fault is the moment: before, amid or after the first one's commit
            service.kill(victim, draw)
        storm.check()
        storm.nothing_is_left_behind()
        storms.append(storm)
    return storms


def test_a_key_has_one_effect_whatever_is_killed_meanwhile(service: Service):
    storms_with_kills(service, random.Random("storm"), [*VICTIMS])


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(TORTURES))
def test_a_key_has_one_effect_over_many_kills(
    service: Service, seed: int, record_property: Callable[[str, object], None]
):
    draw = random.Random(f"storms {seed}")
    storms = storms_with_kills(service, draw, draw.choices(VICTIMS, k=KILLS_EACH))
    record_property("struck", sum(storm.statuses[0] + storm.statuses[503] > 0 for storm in storms))
    record_property("statuses", dict(sum((storm.statuses for storm in storms), Counter())))
    record_property("longest_s", round(max(storm.longest_s for storm in storms), 2))
