"""The change feed: every event exactly once, whoever writes beside it."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

EVENTS = "/api/v1/events"
CONTACTS = "/api/v1/contacts"


class Follower:
    """A client of the feed that remembers its place."""

    def __init__(self, client: httpx.Client, **asked: Any) -> None:
        self.client, self.asked = client, asked
        self.cursor: str | None = None
        self.seen: list[dict[str, Any]] = []

    def page(self) -> bool:
        """One answer; whether there is more."""
        asked = self.asked | ({"after": self.cursor} if self.cursor else {})
        response = self.client.get(EVENTS, params=asked)
        assert response.status_code == 200, response.text
        body = response.json()
        self.seen += body["data"]
        self.cursor = body["meta"]["next_cursor"]
        return body["meta"]["has_more"]

    def catch_up(self) -> list[str]:
        """The rows of all that is new."""
        before = len(self.seen)
        while self.page():
            pass
        return [event["entity_id"] for event in self.seen[before:]]


@pytest.fixture
def follower(firm):
    """Somebody at the end of the feed of A."""
    follower = Follower(firm.client())
    follower.catch_up()
    follower.seen.clear()
    return follower


def contact(client: httpx.Client, name: str = "Ada Byron") -> str:
    return client.post(CONTACTS, json={"full_name": name}).json()["data"]["id"]


def slow_writer(firm) -> psycopg.Connection:
    """A transaction as the API for A."""
    connection = psycopg.connect(firm.address.url("api"))
    connection.execute(
        "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
        (str(firm.a), str(firm.a)),
    )
    return connection


class TestFeed:
    def test_an_event_tells_who_what_and_when(self, firm, follower):
        owner = firm.client()
        made = owner.post(CONTACTS, json={"full_name": "Ada Byron", "job_title": "Clerk"})
        owner.patch(f"{CONTACTS}/{made.json()['data']['id']}", json={"job_title": "Head of fleet"})
        follower.catch_up()
        created, updated = follower.seen
        assert created["name"] == "contact.created"
        assert created["before"] is None
        assert created["after"]["full_name"] == {"sealed": None}
        assert (updated["before"], updated["after"]) == (
            {"job_title": "Clerk"},
            {"job_title": "Head of fleet"},
        )
        assert updated["actor_kind"] == "user"
        assert updated["actor_id"] == str(firm.people[firm.a, "owner"])
        assert updated["tenant_id"] == str(firm.a)
        assert created["request_id"] == made.headers["x-request-id"]

    def test_pages_leave_nothing_out_and_repeat_nothing(self, firm, follower):
        made = [contact(firm.client()) for _ in range(7)]
        follower.asked = {"limit": 3}
        assert follower.page()
        assert len(follower.seen) == 3
        follower.catch_up()
        assert [event["entity_id"] for event in follower.seen] == made
        assert follower.catch_up() == []
        made = contact(firm.client())
        assert follower.catch_up() == [made]

    def test_filters(self, firm, follower):
        owner = firm.client()
        person = contact(owner)
        owner.post("/api/v1/accounts", json={"name": "Acme", "country": "DE"})
        owner.delete(f"{CONTACTS}/{person}")
        for asked, names in (
            ({"entity_type": "contact"}, ["contact.created", "contact.deleted"]),
            ({"entityType": "account,vehicle"}, ["account.created"]),
            ({"name": "contact.deleted,account.created"}, ["account.created", "contact.deleted"]),
            ({"category": "security"}, []),
        ):
            other = Follower(owner, **asked)
            other.cursor = follower.cursor
            other.catch_up()
            assert [event["name"] for event in other.seen] == names, asked
        # What the filter left out is behind the cursor all the same.
        assert Follower(owner, entity_type="nothing").page() is False
        beyond = Follower(owner, entity_type="nothing")
        beyond.catch_up()
        beyond.asked = {}
        assert beyond.catch_up() == []

    def test_a_stranger_sees_nothing_and_the_umbrella_its_child(self, firm):
        stranger = Follower(firm.client(tenant=firm.b))
        above = Follower(firm.client(tenant=firm.umbrella))
        for one in (stranger, above):
            one.catch_up()
        made = contact(firm.client())
        theirs = contact(firm.client(tenant=firm.b))
        own = contact(firm.client(tenant=firm.umbrella))
        assert stranger.catch_up() == [theirs]
        assert above.catch_up() == [made, own]

    def test_a_cursor_of_nobody_is_gone(self, firm, follower):
        theirs = Follower(firm.client(tenant=firm.b))
        contact(theirs.client)
        theirs.catch_up()
        for cursor in (str(uuid4()), theirs.cursor):
            response = firm.client().get(EVENTS, params={"after": cursor})
            assert (response.status_code, response.json()["error"]["code"]) == (410, "CURSOR_GONE")

    def test_what_is_wrong_is_named(self, firm):
        for asked in ({"after": "x"}, {"limit": 1001}, {"limit": 0}, {"category": "all"}, {"since": "1"}):
            response = firm.client().get(EVENTS, params=asked)
            assert response.status_code == 422
            assert response.json()["error"]["details"][0]["field"].startswith(*asked)

    def test_only_who_may(self, firm):
        assert firm.running.client().get(EVENTS).status_code == 401
        assert firm.client("agent").get(EVENTS).status_code == 403
        assert firm.client("manager").get(EVENTS).status_code == 200
        refused = firm.client("manager").get(EVENTS, params={"category": "change,security"})
        assert refused.status_code == 403
        assert "audit:read" in refused.json()["error"]["message"]


class TestHorizon:
    def test_a_transaction_left_open_is_neither_lost_nor_doubled_and_later_ones_wait(self, firm, follower):
        early, second = uuid4(), uuid4()
        with slow_writer(firm) as slow:
            for id in (early, second):
                slow.execute(
                    "insert into contacts (id, tenant_id, full_name) values (%s, %s, 'slow')", (id, firm.a)
                )
            late = contact(firm.client())
            assert follower.catch_up() == []
            assert follower.catch_up() == []
        later = contact(firm.client())
        assert follower.catch_up() == [str(early), str(second), late, later]
        assert follower.catch_up() == []

    def test_what_was_rolled_back_never_happened(self, firm, follower):
        slow = slow_writer(firm)
        slow.execute("insert into contacts (tenant_id, full_name) values (%s, 'never')", (firm.a,))
        made = contact(firm.client())
        assert follower.catch_up() == []
        slow.rollback()
        slow.close()
        assert follower.catch_up() == [made]

    def test_writers_in_parallel_are_all_followed_once(self, firm, follower):
        made: list[str] = []
        done = threading.Event()

        def write():
            client = firm.client()
            made.extend(contact(client, f"Person {number}") for number in range(40))

        writers = [threading.Thread(target=write) for _ in range(2)]

        def follow():
            follower.asked = {"limit": 7}
            while not done.is_set():
                follower.catch_up()

        reader = threading.Thread(target=follow)
        for thread in (*writers, reader):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        reader.join()
        follower.catch_up()
        ids = [event["entity_id"] for event in follower.seen]
        assert len(ids) == len(set(ids)) == 80
        assert set(ids) == set(made)
