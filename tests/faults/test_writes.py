"""Writes while processes are killed: what a client was told is there, what it was not told is there whole or not."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from serve.kernel.vault import Vault
from tests.faults.crowd import Crowd
from tests.faults.history import History
from tests.faults.ledger import Ledger
from tests.faults.service import LONGEST_S, VICTIMS, Service

TORTURES, KILLS_EACH = 20, 25


class Scene:
    """A new tenant, its clients, and what is known of its rows."""

    def __init__(self, service: Service, folder: Path, seed: str) -> None:
        self.service, self.draw = service, random.Random(seed)
        self.ledger = Ledger(service.tenant(), folder / "ledger.jsonl")
        self.crowd = Crowd(service, self.ledger, seed)
        self.vault = Vault(service.home.secret("vault_key"))
        self.history = History(self.ledger, self.vault)

    def kill(self, victim: str) -> None:
        """In the middle of their work; they go on when it is over, and then everything is compared."""
        with self.crowd.at_work():
            self.ledger.wait_for(sent=self.draw.randint(5, 60))
            time.sleep(self.draw.uniform(0, 0.01))  # the fault is the moment: any point of a request
            outage_s = self.service.kill(victim, self.draw)
            self.ledger.wait_for(done=10)
        assert outage_s < LONGEST_S
        self.repeat_some()
        self.service.settle()
        with self.service.connect() as connection:
            self.history.check(connection)
        assert not self.ledger.statuses[500], self.service.said()

    def repeat_some(self) -> None:
        """Requests that have their answer, sent again with their keys: the same answer, and nothing is done."""
        client = self.service.client(self.ledger.tenant_id)
        keyed = [write for write in self.ledger.writes.values() if write.key and write.is_done]
        for write in self.draw.sample(keyed, min(5, len(keyed))):
            again = client.send(write.method, write.path, write.body, write.headers)
            assert again is not None
            assert (again.status, again.body) == (write.status, write.answer), (write, again)
            assert again.headers["idempotency-replayed"] == "true"
        client.close()

    def everything_again(self, connection: psycopg.Connection[Any]) -> None:
        """From the first event on, whatever was looked at before."""
        History(self.ledger, self.vault).check(connection)

    def is_sealed(self) -> None:
        """The chain over the events holds."""
        answer = self.service.client(self.ledger.tenant_id).send("GET", "/api/v1/audit/verify")
        assert answer is not None
        assert b'"holds":true' in answer.body, answer


@pytest.mark.parametrize("victim", VICTIMS)
def test_what_was_acknowledged_is_there_after_a_kill(service: Service, victim: str, tmp_path: Path):
    scene = Scene(service, tmp_path, victim)
    for _ in range(2):
        scene.kill(victim)
    with service.connect() as connection:
        scene.everything_again(connection)
    scene.is_sealed()


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(TORTURES))
def test_what_was_acknowledged_is_there_after_many_kills(service: Service, seed: int, tmp_path: Path):
    scene = Scene(service, tmp_path, f"many {seed}")
    for _ in range(KILLS_EACH):
        scene.kill(scene.draw.choice(VICTIMS))
    with service.connect() as connection:
        scene.everything_again(connection)
    scene.is_sealed()
