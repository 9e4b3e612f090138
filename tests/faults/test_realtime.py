"""Processes are killed while somebody listens: who comes back with the last id is told every event once, in order."""

from __future__ import annotations

import json
import random
import threading
import time

import httpx
import pytest

from tests.faults.service import VICTIMS, Service
from tests.serve.realtime.listening import Lines

SECONDS = 4.0


class Listener(threading.Thread):
    """Comes back whenever its connection ends, as an EventSource does."""

    def __init__(self, url: str, token: str, begin: str) -> None:
        super().__init__(daemon=True)
        self._url, self._headers = url, {"Authorization": f"Bearer {token}"}
        self._last_id: str | None = begin
        self.numbers: list[int] = []
        self.comings = 0
        self.is_over = False

    def run(self) -> None:
        while not self.is_over:
            try:
                self._listen()
            except httpx.HTTPError:
                time.sleep(0.05)

    def _listen(self) -> None:
        headers = self._headers | {"Last-Event-ID": str(self._last_id)}
        with httpx.stream("GET", self._url, headers=headers, timeout=20) as response:
            if response.status_code != 200:
                time.sleep(0.05)
                return
            self.comings += 1
            stream = Lines(response)
            for block in stream.blocks():
                if self.is_over:
                    return
                if "data" in block and "event" not in block:
                    self.numbers.append(_number(block["data"]))
                self._last_id = stream.last_id or self._last_id


def _number(data: str) -> int:
    number: int = json.loads(data)["data"]["number"]
    return number


EMIT = (
    "insert into events (tenant_id, name, entity_type, after, actor_kind)"
    " values (%s, 'workflow.started', 'workflow', jsonb_build_object('number', %s::int), 'test') returning id"
)


@pytest.mark.parametrize("victim", VICTIMS)
def test_after_a_kill_nothing_is_missing(service: Service, victim: str):
    tenant = service.tenant()
    [(begin,)] = service.sql(EMIT, tenant, 0)
    url = f"http://127.0.0.1:{service.port}/api/v1/realtime/subscribe?topics=workflow.*"
    listeners = [Listener(url, service.tenants[tenant], str(begin)) for _ in range(5)]
    for each in listeners:
        each.start()
    draw, written = random.Random(victim), 0
    ended = time.monotonic() + SECONDS
    killed = False
    while time.monotonic() < ended or not killed:
        written += 1
        service.sql(EMIT, tenant, written)
        if not killed and time.monotonic() > ended - SECONDS / 2 and all(each.numbers for each in listeners):
            service.kill(victim, draw)
            killed = True
    deadline = time.monotonic() + 60
    expected = list(range(1, written + 1))
    while any(each.numbers != expected for each in listeners) and time.monotonic() < deadline:
        time.sleep(0.05)
    for each in listeners:
        each.is_over = True
    service.sql(EMIT, tenant, written + 1)  # wakes them
    for each in listeners:
        assert each.numbers[: len(expected)] == expected
    assert victim != "api" or all(each.comings > 1 for each in listeners), "nobody had to come back"
