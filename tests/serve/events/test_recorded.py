"""Every edit is one event, which says who, for whom, what, when and by which request; nobody can rewrite it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

from tests.serve.events.test_feed import Follower

CONTACTS = "/api/v1/contacts"
ADA = {"full_name": "Ada Byron", "email": "ada@example.org", "job_title": "Clerk"}


@pytest.fixture
def ada(firm) -> str:
    return firm.client().post(CONTACTS, json=ADA).json()["data"]["id"]


def newest(firm, after: int) -> list[tuple[Any, ...]]:
    return firm.sql(
        "select name, entity_id::text, tenant_id, actor_kind, actor_id, request_id, happened_at, category, change_xid"
        " from events where position > %s order by position",
        after,
    )


def last_position(firm) -> int:
    return firm.sql("select coalesce(max(position), 0) from events")[0][0]


class TestEveryCall:
    """Each generated call that changes something, on rows of its own."""

    @pytest.mark.parametrize(
        ("call", "names"),
        [
            ("create", ["contact.created"]),
            ("replace", ["contact.updated"]),
            ("patch", ["contact.updated"]),
            ("patch_of_nothing", []),
            ("delete", ["contact.deleted"]),
            ("restore", ["contact.restored"]),
            ("bulk_create", ["contact.created"] * 3),
            ("bulk_create_dry", []),
            ("bulk_create_half_wrong", ["contact.created"]),
            ("bulk_upsert", ["contact.updated", "contact.created"]),
            ("bulk_update", ["contact.updated"] * 2),
            ("bulk_delete", ["contact.deleted"] * 2),
            ("repeated", ["contact.created"]),
        ],
    )
    def test_one_edit_is_one_event_and_says_who_what_when_and_why(self, firm, call, names):
        client = firm.client("agent")
        one, two = (
            client.post(CONTACTS, json=ADA | {"external_id": str(uuid4())}).json()["data"] for _ in "ab"
        )
        if call == "restore":
            client.delete(f"{CONTACTS}/{one['id']}")
        before, began = last_position(firm), datetime.now(UTC)
        path, key = f"{CONTACTS}/{one['id']}", {"Idempotency-Key": str(uuid4())}
        new = {"full_name": "New"}
        calls = {
            "create": lambda: client.post(CONTACTS, json=ADA),
            "replace": lambda: client.put(path, json={"full_name": "Ada Lovelace"}),
            "patch": lambda: client.patch(path, json={"job_title": "Head", "email": None}),
            "patch_of_nothing": lambda: client.patch(path, json={"job_title": "Clerk"}),
            "delete": lambda: client.delete(path),
            "restore": lambda: client.post(f"{path}/restore"),
            "bulk_create": lambda: client.post(f"{CONTACTS}/bulk", json={"rows": [new, new, new]}),
            "bulk_create_dry": lambda: client.post(
                f"{CONTACTS}/bulk?dry_run=true", json={"rows": [new, new]}
            ),
            "bulk_create_half_wrong": lambda: client.post(
                f"{CONTACTS}/bulk", json={"rows": [new, {"full_name": ""}]}
            ),
            "bulk_upsert": lambda: client.post(
                f"{CONTACTS}/bulk?mode=upsert",
                json={
                    "rows": [
                        {"external_id": one["external_id"], "full_name": "Changed"},
                        {"external_id": str(uuid4()), "full_name": "New"},
                        {"external_id": two["external_id"], "full_name": "Ada Byron"},  # nothing new
                    ]
                },
            ),
            "bulk_update": lambda: client.patch(
                f"{CONTACTS}/bulk",
                json={"rows": [{"id": each["id"], "job_title": "Head"} for each in (one, two)]},
            ),
            "bulk_delete": lambda: client.request(
                "DELETE", f"{CONTACTS}/bulk", json={"ids": [one["id"], two["id"]]}
            ),
            "repeated": lambda: (
                client.post(CONTACTS, json=ADA, headers=key),
                client.post(CONTACTS, json=ADA, headers=key),
            )[0],
        }
        response = calls[call]()
        assert response.status_code in (200, 201, 207), response.text
        found = newest(firm, before)
        assert [event[0] for event in found] == names
        for _, entity_id, tenant_id, kind, actor_id, request_id, happened_at, category, _ in found:
            assert entity_id is not None
            assert tenant_id == firm.a
            assert (kind, actor_id) == ("user", firm.people[firm.a, "agent"])
            assert request_id == response.headers["x-request-id"]
            assert began - timedelta(seconds=1) <= happened_at <= datetime.now(UTC) + timedelta(seconds=1)
            assert category == "change"

    def test_a_refused_edit_is_no_event(self, firm, ada):
        before = last_position(firm)
        owner = firm.client()
        assert owner.patch(f"{CONTACTS}/{ada}", json={"email": "nobody"}).status_code == 422
        assert owner.patch(f"{CONTACTS}/{ada}", json={"account_id": str(uuid4())}).status_code == 422
        stale = owner.patch(f"{CONTACTS}/{ada}", json={"job_title": "X"}, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        assert last_position(firm) == before or newest(firm, before) == []


class TestOrder:
    def test_events_of_one_row_are_in_the_order_of_its_edits_though_many_write(self, firm, ada):
        """With a key each, so that a transaction has its id before it has its turn."""
        follower = Follower(firm.client(), name="contact.updated", limit=1000)
        follower.catch_up()
        follower.seen.clear()

        def write(writer: int) -> None:
            client = firm.client()
            for number in range(12):
                response = client.patch(
                    f"{CONTACTS}/{ada}",
                    json={"job_title": f"{writer}-{number}"},
                    headers={"Idempotency-Key": str(uuid4())},
                )
                assert response.status_code == 200, response.text

        writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        follower.catch_up()
        fed = [(event["before"]["job_title"], event["after"]["job_title"]) for event in follower.seen]
        stored = [
            (before["job_title"], after["job_title"])
            for name, before, after in firm.events(ada)
            if name == "contact.updated"
        ]
        assert len(fed) == 96
        assert fed == stored
        assert [before for before, _ in fed] == ["Clerk", *(after for _, after in fed[:-1])]
        assert fed[-1][1] == firm.client().get(f"{CONTACTS}/{ada}").json()["data"]["job_title"]

    def test_who_has_the_lower_id_but_comes_second_stands_second(self, firm, ada):
        follower = Follower(firm.client(), entity_type="contact")
        follower.catch_up()
        follower.seen.clear()
        with psycopg.connect(firm.address.url("api")) as slow:
            slow.execute(
                "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true),"
                " pg_current_xact_id()",
                (str(firm.a), str(firm.a)),
            )
            firm.client().patch(f"{CONTACTS}/{ada}", json={"job_title": "first"})
            slow.execute("update contacts set job_title = 'second' where id = %s", (ada,))
        follower.catch_up()
        assert [event["after"]["job_title"] for event in follower.seen] == ["first", "second"]


class TestAppendOnly:
    @pytest.mark.parametrize("role", ["api", "worker", "extract"])
    @pytest.mark.parametrize("table", ["events", "event_seals"])
    @pytest.mark.parametrize(
        "statement", ["update {} set tenant_id = tenant_id", "delete from {}", "truncate {}"]
    )
    def test_history_cannot_be_rewritten(self, firm, ada, role, table, statement):
        with psycopg.connect(firm.address.url(role)) as connection:
            connection.execute(
                "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
                (str(firm.a), str(firm.a)),
            )
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.format(table))

    def test_not_even_the_owner_empties_it(self, firm):
        with (
            psycopg.connect(firm.address.url("owner")) as connection,
            pytest.raises(errors.FeatureNotSupported),
        ):
            connection.execute("truncate events")

    def test_nobody_writes_another_tenants_history(self, firm):
        with psycopg.connect(firm.address.url("api")) as connection:
            connection.execute("select set_config('app.tenant_id', %s, true)", (str(firm.a),))
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(
                    "insert into events (tenant_id, name, entity_type, actor_kind) values (%s, 'x', 'x', 'user')",
                    (firm.b,),
                )
