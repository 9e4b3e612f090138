"""Sealed history: whatever is done to it is found, and growing is no harm. Also after a restore elsewhere."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from serve.kernel.db import Database
from serve.kernel.relay import Relay
from serve.kernel.vault import Vault
from serve.platform.audit.seals import seal
from tests.faults.platform import until

VERIFY = "/api/v1/audit/verify"
WRITING = "select count(*) from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()"


def contact(firm, tenant=None) -> str:
    return firm.client(tenant=tenant).post("/api/v1/contacts", json={"full_name": "Ada"}).json()["data"]["id"]


def sealed_now(firm) -> int:
    return firm.running.wait_for(seal(firm.running.app.state.worker_database))


def seal_all(firm) -> int:
    """Once nobody writes: what is open anywhere in the server, be it PostgreSQL's own statistics, keeps events open."""
    until(lambda: firm.sql(WRITING) == [(0,)], what="everybody has committed")
    return sealed_now(firm)


def verify(firm, tenant=None) -> dict:
    response = firm.client(tenant=tenant).get(VERIFY)
    assert response.status_code == 200, response.text
    return response.json()["data"]


@pytest.fixture
def sealed(firm):
    """A history of five more batches, all good."""
    before = verify(firm)
    for _ in range(5):
        for _ in range(3):
            contact(firm)
        seal_all(firm)
    found = verify(firm)
    assert found["holds"]
    assert found["batch_count"] >= before["batch_count"] + 5
    assert found["unsealed_count"] == 0
    return found


@pytest.fixture
def untouched(firm):
    """What the test does to the history is undone in the end."""
    copies = {"events": [], "event_seals": []}
    with psycopg.connect(firm.address.url("super"), autocommit=True) as connection:
        for table in copies:
            connection.execute(f"create table copy_of_{table} as select * from {table}")
        yield
        connection.execute("set session_replication_role = replica")
        for table in copies:
            connection.execute(f"delete from {table}")
            connection.execute(
                f"insert into {table} overriding system value select * from copy_of_{table}"
                if table == "events"
                else f"insert into {table} select * from copy_of_{table}"
            )
            connection.execute(f"drop table copy_of_{table}")


def of_batch(number: int) -> str:
    """SQL for the events of A's batch."""
    return f"""(
        select e.id from events e join event_seals s on s.tenant_id = e.tenant_id and s.number = {number}
        left join event_seals b on b.tenant_id = e.tenant_id and b.number = {number} - 1
        where (e.change_xid, e.position) <= (s.until_xid, s.until_position)
            and (b.number is null or (e.change_xid, e.position) > (b.until_xid, b.until_position))
            and e.tenant_id = (select id from tenants where slug = 'a')
        order by e.position limit 1)"""


class TestSeals:
    def test_a_growing_history_stays_good(self, firm, sealed):
        contact(firm)
        open_end = verify(firm)
        assert open_end["holds"]
        assert open_end["unsealed_count"] == 1
        assert open_end["newest"] == sealed["newest"]
        seal_all(firm)
        grown = verify(firm)
        assert grown["holds"]
        assert grown["event_count"] == sealed["event_count"] + 1
        assert grown["newest"]["number"] == sealed["newest"]["number"] + 1
        assert seal_all(firm) == 0

    @pytest.mark.parametrize(
        "change",
        [
            'after = after || \'{"job_title": "Thief"}\'',
            "actor_id = gen_random_uuid()",
            "request_id = 'another'",
            "name = 'contact.updated'",
            "happened_at = happened_at + interval '1 microsecond'",
            "position = 0",
        ],
    )
    def test_a_changed_event_is_found(self, firm, sealed, untouched, change):
        if change.startswith("position"):
            firm.sql("alter table events alter position drop identity")
        firm.sql(f"update events set {change} where id = {of_batch(3)}")
        found = verify(firm)
        assert not found["holds"]
        assert found["broken"][0]["number"] == 3
        if change.startswith("position"):
            firm.sql("alter table events alter position add generated always as identity")
            firm.sql(
                "select setval(pg_get_serial_sequence('events', 'position'), (select max(position) from events))"
            )

    def test_a_removed_event_is_found(self, firm, sealed, untouched):
        firm.sql(f"delete from events where id = {of_batch(2)}")
        [broken] = verify(firm)["broken"]
        assert broken["number"] == 2
        assert broken["found_count"] == broken["event_count"] - 1

    def test_an_event_slipped_in_is_found(self, firm, sealed, untouched):
        firm.sql(
            "insert into events (tenant_id, name, entity_type, actor_kind, change_xid)"
            f" select tenant_id, 'contact.created', 'contact', 'user', change_xid from events where id = {of_batch(2)}"
        )
        broken = verify(firm)["broken"]
        assert [one["number"] for one in broken] == [2]

    @pytest.mark.parametrize("number", [1, 2])
    def test_a_removed_seal_is_found(self, firm, sealed, untouched, number):
        firm.sql("delete from event_seals where tenant_id = %s and number = %s", firm.a, number)
        assert [one["number"] for one in verify(firm)["broken"]] == [number + 1]

    def test_the_end_cut_off_shows_in_the_newest_hash(self, firm, sealed, untouched):
        last = sealed["newest"]["number"]
        firm.sql("delete from event_seals where tenant_id = %s and number = %s", firm.a, last)
        assert verify(firm)["unsealed_count"] == 3
        firm.sql(
            "delete from events e where tenant_id = %s and position = (select max(position) from events)",
            firm.a,
        )
        seal_all(firm)
        again = verify(firm)
        assert again["holds"]
        assert again["newest"]["number"] == last
        assert again["newest"]["hash"] != sealed["newest"]["hash"]

    def test_another_tenants_history_is_its_own_affair(self, firm, sealed, untouched):
        contact(firm, firm.b)
        seal_all(firm)
        firm.sql("delete from events where tenant_id = %s", firm.b)
        assert verify(firm)["holds"]
        assert not verify(firm, firm.b)["holds"]

    def test_two_sealers_do_not_seal_twice(self, firm):
        for _ in range(4):
            contact(firm)
        until(lambda: firm.sql(WRITING) == [(0,)], what="everybody has committed")
        database = firm.running.app.state.worker_database

        async def both():
            return await asyncio.gather(seal(database), seal(database))

        assert sum(firm.running.wait_for(both())) == 1
        assert verify(firm)["holds"]

    def test_an_open_transaction_is_sealed_when_it_has_ended(self, firm, sealed):
        with psycopg.connect(firm.address.url("api")) as slow:
            slow.execute("select set_config('app.tenant_id', %s, true)", (str(firm.a),))
            slow.execute("insert into contacts (tenant_id, full_name) values (%s, 'slow')", (firm.a,))
            contact(firm)
            assert sealed_now(firm) == 0
        assert seal_all(firm) == 1
        assert verify(firm)["event_count"] == sealed["event_count"] + 2

    def test_the_log_of_the_service_gets_each_hash(self, firm, caplog):
        contact(firm)
        with caplog.at_level("INFO", "throughline.audit"):
            seal_all(firm)
        assert verify(firm)["newest"]["hash"] in caplog.text

    def test_only_who_may(self, firm):
        assert firm.client("manager").get(VERIFY).status_code == 403


class TestRestored:
    """A dump restored into a cluster whose transaction ids are lower: seen from there the history is the future."""

    AHEAD = 1_000_000_000

    def test_order_seals_cursors_and_readers_go_on(self, firm, sealed):
        known = firm.client().get("/api/v1/events", params={"limit": 1000}).json()
        assert not known["meta"]["has_more"]
        seen: list[str] = []

        async def remember(db, events):
            seen.extend(event["entity_id"] for event in events)

        async def follow(catch_up: bool) -> None:
            database = Database(lambda: firm.address.url("worker"), size=1, vault=Vault("test"))
            relay = Relay(database, {"restored": remember})
            await (relay.catch_up() if catch_up else relay.register())
            await database.close()

        asyncio.run(follow(False))
        undelivered = contact(firm)
        for table, column in (
            ("events", "change_xid"),
            ("event_seals", "until_xid"),
            ("event_readers", "after_xid"),
        ):
            firm.sql(f"update {table} set {column} = {column} + {self.AHEAD}")
        new = contact(firm)
        seal_all(firm)
        found = verify(firm)
        assert found["holds"]
        assert found["unsealed_count"] == 0
        assert found["event_count"] == sealed["event_count"] + 2
        after = firm.client().get("/api/v1/events", params={"after": known["meta"]["next_cursor"]}).json()
        assert [event["entity_id"] for event in after["data"]] == [undelivered, new]
        whole = firm.client().get("/api/v1/events", params={"limit": 1000}).json()["data"]
        assert whole[: len(known["data"])] == known["data"]
        asyncio.run(follow(True))
        assert seen == [undelivered, new]
