"""Writes while processes are killed: what a client was told is there, what it was not told is there whole or not."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
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
        self.told: list[str] = []  # events, by a reader of the feed that goes on where it was
        self.cursor = ""

    def kill(self, victim: str) -> None:
        """In the middle of their work; they go on when it is over, and then everything is compared."""
        with self.crowd.at_work():
            self.ledger.wait_for(sent=self.draw.randint(5, 60))
            time.sleep(self.draw.uniform(0, 0.01))  # the fault is the moment: any point of a request
            outage_s = self.service.kill(victim, self.draw)
            self.ledger.wait_for(done=10)
        assert outage_s < LONGEST_S
        assert not self.ledger.statuses[500], self.service.said()
        self.repeat_some()
        self.service.settle()
        with self.service.connect() as connection:
            self.history.check(connection)
        self.follow()

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

    def follow(self) -> None:
        """The feed tells of every event once."""
        client, deadline = self.service.client(self.ledger.tenant_id), time.monotonic() + LONGEST_S
        while len(self.told) < self.history.event_count:
            assert time.monotonic() < deadline, "the feed leaves events out"
            answer = client.send("GET", f"/api/v1/events?limit=1000{self.cursor}")
            assert answer is not None
            assert answer.status == 200, answer
            page = json.loads(answer.body)
            self.told += [event["id"] for event in page["data"]]
            if page["meta"]["next_cursor"]:
                self.cursor = f"&after={page['meta']['next_cursor']}"
        client.close()
        stored = self.service.sql(
            "select id::text from events where tenant_id = %s and category = 'change'", self.ledger.tenant_id
        )
        assert sorted(self.told) == sorted(event_id for (event_id,) in stored)

    def finish(self) -> dict[str, Any]:
        """Everything once more, and the seals over it; what there was of it."""
        with self.service.connect() as connection:
            self.everything_again(connection)
        answer = self.service.client(self.ledger.tenant_id).send("GET", "/api/v1/audit/verify")
        assert answer is not None
        assert json.loads(answer.body)["data"]["holds"], answer
        writes = self.ledger.writes.values()
        return {
            "acknowledged": sum(write.is_done for write in writes),
            "never_answered": sum(write.is_open for write in writes),
            "sent_again": sum(write.sends > 1 for write in writes),
            "events": self.history.event_count,
            "statuses": dict(self.ledger.statuses),
        }


@pytest.mark.parametrize("victim", VICTIMS)
def test_what_was_acknowledged_is_there_after_a_kill(service: Service, victim: str, tmp_path: Path):
    scene = Scene(service, tmp_path, victim)
    for _ in range(2):
        scene.kill(victim)
    scene.finish()


HARM = {
    "a write that was acknowledged is wholly gone": """
        delete from accounts where id = {account};
        delete from events where entity_id = {account};
        delete from idempotency_keys where id = (select id from idempotency_keys where tenant_id = {tenant} limit 1)""",
    "a row is gone": "delete from accounts where id = {account}",
    "an event is gone": "delete from events where entity_id = {account}",
    "an event is there twice": """
        insert into events (tenant_id, name, entity_type, entity_id, before, after, actor_kind, request_id)
        select tenant_id, name, entity_type, entity_id, before, after, actor_kind, request_id
        from events where entity_id = {account}""",
    "a value was set without an event": "update accounts set city = 'elsewhere' where id = {account}",
    "an event tells another story": """
        update events set after = after || '{{"city": "elsewhere"}}' where entity_id = {account}""",
    "a row of a bulk is gone": """
        delete from contacts where id = {contact}; delete from events where entity_id = {contact}""",
    "a key has lost its answer": "update idempotency_keys set status = null where tenant_id = {tenant}",
    "a key is gone": "delete from idempotency_keys where tenant_id = {tenant}",
}


def test_the_comparison_notices_each_harm(service: Service, tmp_path: Path):
    scene = Scene(service, tmp_path, "harm")
    member = scene.crowd.members[0]
    for table, do in (("accounts", member.create), ("contacts", member.bulk)):
        while table not in {each for each, _ in scene.crowd.rows}:
            do()
    rows = {table: f"'{row_id}'" for table, row_id in scene.crowd.rows}
    names = {
        "account": rows["accounts"],
        "contact": rows["contacts"],
        "tenant": f"'{scene.ledger.tenant_id}'",
    }
    with service.connect() as connection:
        scene.everything_again(connection)
        for harm, sql in HARM.items():
            connection.execute("set local session_replication_role = replica")  # no trigger makes it good
            connection.execute(sql.format(**names))
            assert is_noticed(scene, connection), f"not noticed: {harm}"
            connection.rollback()


def is_noticed(scene: Scene, connection: psycopg.Connection[Any]) -> bool:
    try:
        scene.everything_again(connection)
    except AssertionError:
        return True
    return False


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(TORTURES))
def test_what_was_acknowledged_is_there_after_many_kills(
    service: Service, seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
):
    before = {victim: len(outages) for victim, outages in service.outages_s.items()}
    scene = Scene(service, tmp_path, f"many {seed}")
    for _ in range(KILLS_EACH):
        scene.kill(scene.draw.choices(VICTIMS, weights=(1, 2, 2))[0])  # the API takes longest to come back
    for name, value in scene.finish().items():
        record_property(name, value)
    for victim, outages in service.outages_s.items():
        record_property(f"outages_s {victim}", [round(each, 2) for each in outages[before[victim] :]])
