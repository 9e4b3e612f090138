"""One row of a resource: made, read, changed, deleted, restored, and its history."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from serve.kernel.db import Database
from serve.kernel.idempotency import forget_old_keys
from tests.serve.firm import VAN

CONTACTS = "/api/v1/contacts"
ADA = {"full_name": "Ada Byron", "email": "ada@example.org", "job_title": "Clerk"}


@pytest.fixture
def ada(firm):
    """A contact of A, fresh."""
    return firm.client().post(CONTACTS, json=ADA).json()["data"]


class TestCreate:
    def test_the_answer_is_the_row_and_says_where_it_is(self, firm):
        response = firm.client().post(CONTACTS, json=ADA | {"externalId": "crm-1"})
        assert response.status_code == 201
        row = response.json()["data"]
        assert row | ADA == row
        assert row["external_id"] == "crm-1"
        assert response.headers["location"] == f"{CONTACTS}/{row['id']}"
        again = firm.client().get(response.headers["location"])
        assert again.json()["data"] == row
        assert again.headers["etag"] == response.headers["etag"]
        assert row["created_at"].endswith("Z")

    def test_what_is_wrong_is_named(self, firm):
        response = firm.client().post(CONTACTS, json={"email": "nobody", "age": 5, "accountId": "x"})
        assert response.status_code == 422
        fields = {detail["field"] for detail in response.json()["error"]["details"]}
        assert fields == {"full_name", "email", "age", "accountId"}

    def test_an_account_that_does_not_exist_is_named(self, firm):
        response = firm.client().post(CONTACTS, json=ADA | {"account_id": str(uuid4())})
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"] == "account_id"

    def test_a_strangers_account_does_not_exist(self, firm):
        theirs = firm.client(tenant=firm.b).post("/api/v1/accounts", json={"name": "Theirs", "country": "DE"})
        account_id = theirs.json()["data"]["id"]
        response = firm.client().post(CONTACTS, json=ADA | {"account_id": account_id})
        assert response.status_code == 422

    def test_an_external_id_is_taken_once(self, firm):
        assert firm.client().post(CONTACTS, json=ADA | {"external_id": "once"}).status_code == 201
        response = firm.client().post(CONTACTS, json=ADA | {"external_id": "once"})
        assert response.status_code == 409
        assert response.json()["error"]["code"] == "DUPLICATE"
        assert response.json()["error"]["details"] == [
            {"field": "external_id", "message": "is taken already"}
        ]
        stranger = firm.client(tenant=firm.b).post(CONTACTS, json=ADA | {"external_id": "once"})
        assert stranger.status_code == 201

    def test_a_rule_is_asked(self, firm):
        response = firm.client().post(
            "/api/v1/accounts", json={"name": "Gone", "country": "DE", "status": "churned"}
        )
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"] == "churned_at"


class TestChange:
    def test_a_patch_touches_what_was_sent(self, firm, ada):
        response = firm.client().patch(f"{CONTACTS}/{ada['id']}", json={"jobTitle": "Head of fleet"})
        assert response.status_code == 200
        row = response.json()["data"]
        assert row["job_title"] == "Head of fleet"
        assert row["email"] == "ada@example.org"
        assert row["updated_at"] > ada["updated_at"]

    def test_a_put_empties_what_was_not_sent(self, firm, ada):
        response = firm.client().put(f"{CONTACTS}/{ada['id']}", json={"full_name": "Ada Lovelace"})
        assert (
            response.json()["data"] | {"full_name": "Ada Lovelace", "email": None, "job_title": None}
            == (response.json()["data"])
        )

    def test_a_lost_update_is_refused(self, firm, ada):
        path, owner = f"{CONTACTS}/{ada['id']}", firm.client()
        read = owner.get(path).headers["etag"]
        assert owner.patch(path, json={"job_title": "A"}, headers={"If-Match": read}).status_code == 200
        late = owner.patch(path, json={"job_title": "B"}, headers={"If-Match": read})
        assert late.status_code == 412
        assert owner.get(path).json()["data"]["job_title"] == "A"
        assert owner.get(path).headers["etag"] == late.headers["etag"]
        assert owner.delete(path, headers={"If-Match": read}).status_code == 412

    def test_nothing_new_is_no_edit(self, firm, ada):
        path, owner = f"{CONTACTS}/{ada['id']}", firm.client()
        before = owner.get(path)
        after = owner.patch(path, json={"job_title": "Clerk", "email": "ada@example.org"})
        assert after.status_code == 200
        assert after.headers["etag"] == before.headers["etag"]
        assert len(firm.events(ada["id"])) == 1

    def test_a_rule_sees_before_and_after(self, firm):
        made = firm.client().post("/api/v1/vehicles", json=VAN | {"odometer_km": 500}).json()["data"]
        path = f"/api/v1/vehicles/{made['id']}"
        response = firm.client().patch(path, json={"odometer_km": 499.5})
        assert (response.status_code, response.json()["error"]["code"]) == (422, "ODOMETER_RUNS_BACK")
        assert firm.client().patch(path, json={"status": "retired"}).status_code == 200
        assert firm.client().patch(path, json={"status": "active"}).status_code == 409


class TestDelete:
    def test_a_deleted_row_is_gone_and_can_be_restored(self, firm, ada):
        path, owner = f"{CONTACTS}/{ada['id']}", firm.client()
        assert owner.delete(path).json()["data"]["id"] == ada["id"]
        for method in ("get", "delete"):
            assert getattr(owner, method)(path).json()["error"]["code"] == "CONTACT_NOT_FOUND"
        assert owner.patch(path, json={"job_title": "X"}).status_code == 404
        listed = owner.get(CONTACTS, params={"ids": ada["id"], "deleted": True}).json()
        assert [row["id"] for row in listed["data"]] == [ada["id"]]
        restored = owner.post(f"{path}/restore")
        assert restored.status_code == 200
        assert owner.get(path).json()["data"] == restored.json()["data"]
        assert owner.post(f"{path}/restore").status_code == 404


class TestStrangers:
    def test_another_tenants_row_looks_absent(self, firm, ada):
        path, stranger = f"{CONTACTS}/{ada['id']}", firm.client(tenant=firm.b)
        before = firm.sql("select change_xid from contacts where id = %s", ada["id"])
        answers = [
            stranger.get(path),
            stranger.patch(path, json={"job_title": "X"}),
            stranger.put(path, json=ADA),
            stranger.delete(path),
            stranger.get(f"{path}/history"),
        ]
        unknown = stranger.get(f"{CONTACTS}/{uuid4()}")
        assert {answer.status_code for answer in answers} == {404}
        assert answers[0].json()["error"] | {"request_id": ""} == unknown.json()["error"] | {"request_id": ""}
        assert firm.sql("select change_xid from contacts where id = %s", ada["id"]) == before

    def test_an_umbrella_reads_its_children_and_changes_nothing(self, firm, ada):
        path, parent = f"{CONTACTS}/{ada['id']}", firm.client(tenant=firm.umbrella)
        assert parent.get(path).status_code == 200
        assert ada["id"] in [row["id"] for row in parent.get(CONTACTS).json()["data"]]
        assert parent.patch(path, json={"job_title": "X"}).status_code == 404
        assert parent.delete(path).status_code == 404

    def test_a_role_without_the_permission_is_refused(self, firm, ada):
        viewer = firm.client("viewer")
        assert viewer.get(f"{CONTACTS}/{ada['id']}").status_code == 200
        refused = viewer.post(CONTACTS, json=ADA)
        assert refused.status_code == 403
        assert "contacts:write" in refused.json()["error"]["message"]
        assert firm.client("technician").get(CONTACTS).status_code == 403
        assert firm.running.client().get(CONTACTS).status_code == 401


class TestHistory:
    def test_each_edit_is_one_event_with_what_changed(self, firm, ada):
        path, owner = f"{CONTACTS}/{ada['id']}", firm.client()
        owner.patch(path, json={"job_title": "Head", "email": "ada@new.example"})
        owner.delete(path)
        owner.post(f"{path}/restore")
        history = owner.get(f"{path}/history").json()
        assert [event["name"] for event in history["data"]] == [
            "contact.restored",
            "contact.deleted",
            "contact.updated",
            "contact.created",
        ]
        assert history["meta"]["total"] == 4
        updated = history["data"][2]
        assert updated["before"] == {"job_title": "Clerk", "email": "ada@example.org"}
        assert updated["after"] == {"job_title": "Head", "email": "ada@new.example"}
        assert updated["actor_name"] == "Owner of A"
        assert updated["actor_kind"] == "user"
        assert updated["request_id"]

    def test_personal_values_are_not_readable_in_the_store(self, firm, ada):
        firm.client().patch(f"{CONTACTS}/{ada['id']}", json={"email": "ada@new.example", "job_title": "Head"})
        stored = firm.events(ada["id"])
        assert not any(word in str(stored).lower() for word in ("ada byron", "ada@", "example"))
        assert stored[1][2]["job_title"] == "Head"
        assert stored[1][2]["email"].keys() == {"sealed"}

    def test_without_the_persons_key_nobody_reads_them(self, firm, ada):
        firm.sql("update contacts set person_key = null where id = %s", ada["id"])
        history = firm.client().get(f"{CONTACTS}/{ada['id']}/history").json()["data"]
        assert history[-1]["after"]["full_name"] == {"sealed": None}
        assert history[-1]["after"]["job_title"] == "Clerk"


class TestRepeatedRequests:
    def test_the_second_gets_the_answer_of_the_first(self, firm):
        owner, key = firm.client(), {"Idempotency-Key": "order 66"}
        first = owner.post(CONTACTS, json=ADA, headers=key)
        second = owner.post(CONTACTS, json=ADA, headers=key)
        assert second.status_code == 201
        assert second.content == first.content
        assert second.headers["etag"] == first.headers["etag"]
        assert second.headers["idempotency-replayed"] == "true"
        assert len(firm.events(first.json()["data"]["id"])) == 1

    def test_another_body_is_refused(self, firm):
        owner, key = firm.client(), {"Idempotency-Key": "two bodies"}
        owner.post(CONTACTS, json=ADA, headers=key)
        other = owner.post(CONTACTS, json=ADA | {"full_name": "Bea"}, headers=key)
        assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")

    def test_a_failed_request_may_be_sent_again(self, firm):
        owner, key = firm.client(), {"Idempotency-Key": "again"}
        assert owner.post(CONTACTS, json={"full_name": ""}, headers=key).status_code == 422
        assert owner.post(CONTACTS, json=ADA, headers=key).status_code == 201

    def test_keys_of_others_are_others(self, firm):
        key = {"Idempotency-Key": "shared word"}
        first = firm.client().post(CONTACTS, json=ADA, headers=key).json()["data"]["id"]
        second = firm.client("admin").post(CONTACTS, json=ADA, headers=key).json()["data"]["id"]
        assert first != second

    def test_a_hundred_at_once_have_one_effect(self, firm):
        owner, key = firm.client(), {"Idempotency-Key": "a hundred"}
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: owner.post(CONTACTS, json=ADA, headers=key), range(100)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        bodies = {answer.content for answer in answers if answer.status_code == 201}
        assert len(bodies) == 1
        row_id = answers[0].json()["data"]["id"]
        assert len(firm.events(row_id)) == 1
        assert firm.sql("select count(*) from contacts where id = %s", row_id) == [(1,)]

    def test_a_key_is_forgotten_after_a_day(self, firm):
        owner, key = firm.client(), {"Idempotency-Key": "yesterday"}
        first = owner.post(CONTACTS, json=ADA, headers=key).json()["data"]["id"]
        old = (
            "update idempotency_keys set created_at = now() - interval '25 hours'"
            " where convert_from(body, 'UTF8') like '%%' || %s || '%%'"
        )
        firm.sql(old, first)
        asyncio.run(_forget(firm.address.url("worker")))
        second = owner.post(CONTACTS, json=ADA, headers=key)
        assert second.status_code == 201
        assert second.json()["data"]["id"] != first
        assert firm.sql(
            "select count(*) from idempotency_keys where created_at < now() - interval '1 day'"
        ) == [(0,)]

    def test_a_request_does_not_wait_for_ever(self, firm, ada):
        with psycopg.connect(firm.address.url("super")) as other:
            other.execute("select from contacts where id = %s for update", [ada["id"]])
            response = firm.client().patch(f"{CONTACTS}/{ada['id']}", json={"job_title": "X"})
        assert (response.status_code, response.json()["error"]["code"]) == (409, "STILL_RUNNING")
        assert response.headers["retry-after"] == "1"


class TestShortWay:
    """The quick answer and FastAPI's are the same answer."""

    @pytest.fixture
    def slowly(self, firm, monkeypatch):
        """Takes the short ways away for the block."""

        @contextmanager
        def block():
            with monkeypatch.context() as patch:
                patch.setattr(firm.running.app, "dependency_overrides", {object: object})
                yield

        return block

    @pytest.mark.parametrize(
        "target",
        [
            *(
                f"{CONTACTS}{query}"
                for query in ("", "?per_page=3", "?sort=full_name&count=exact", "?search=ada")
            ),
            *(
                f"{CONTACTS}{query}"
                for query in ("?perPage=2", "?page=2", "?nothing=1", "?page=x", "?sort=x")
            ),
            *(
                f"{CONTACTS}/{row}"
                for row in ("{id}", "{id}?x=1", "nobody", "00000000-0000-7000-8000-000000000000")
            ),
        ],
    )
    def test_reading(self, firm, ada, slowly, target):
        owner, path = firm.client(), target.replace("{id}", ada["id"])
        quick = owner.get(path)
        with slowly():
            slow = owner.get(path)
        assert said(quick) == said(slow)

    @pytest.mark.parametrize(
        "sent",
        [
            {"json": ADA},
            {"json": ADA, "headers": {"Idempotency-Key": "short way"}},
            {"json": ADA | {"email": "nobody"}},
            {"content": b"{", "headers": {"Content-Type": "application/json"}},
            {"content": b"full_name=Ada", "headers": {"Content-Type": "text/plain"}},
            {"json": ADA, "params": {"x": 1}},
            {"json": ADA, "headers": {"Idempotency-Key": "x" * 300}},
            {"json": ADA | {"account_id": "00000000-0000-7000-8000-000000000000"}},
        ],
    )
    def test_creating(self, firm, slowly, sent):
        owner = firm.client()
        quick = owner.post(CONTACTS, **sent)
        with slowly():
            slow = owner.post(CONTACTS, **sent)
        assert said(quick, made=True) == said(slow, made=True)

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (CONTACTS, ADA | {"external_id": 'a "quoted" \\ Ünïcode \u2028 id'}),
            (
                "/api/v1/vehicles",
                VAN
                | {
                    "registration": "HB-T 2",
                    "odometer_km": 0.1 + 0.2,
                    "attributes": {"deep": [1.5e-7, None, "é"]},
                },
            ),
            (
                "/api/v1/accounts",
                {
                    "name": "Æther & Söhne",
                    "country": "DE",
                    "status": "churned",
                    "churned_at": "2026-01-02T03:04:05.6+02:00",
                },
            ),
        ],
    )
    def test_a_created_row_is_shown_again_to_the_byte(self, firm, slowly, path, body):
        owner, key = firm.client(), {"Idempotency-Key": "twice"}
        first = owner.post(path, json=body, headers=key)
        assert first.status_code == 201
        quick = owner.post(path, json=body, headers=key)
        with slowly():
            slow = owner.post(path, json=body, headers=key)
        for again in (quick, slow):
            assert (again.status_code, again.content) == (201, first.content)
            assert again.headers["idempotency-replayed"] == "true"
            for name in ("etag", "location", "content-type", "cache-control"):
                assert again.headers[name] == first.headers[name]
        (row,) = firm.sql(
            f"select count(*) from {path.rpartition('/')[2]} where id = %s", first.json()["data"]["id"]
        )
        assert row == (1,)

    def test_a_key_works_on_whichever_way_comes_second(self, firm, slowly):
        owner, key = firm.client(), {"Idempotency-Key": "slow, then quick"}
        with slowly():
            first = owner.post(CONTACTS, json=ADA, headers=key)
        again = owner.post(CONTACTS, json=ADA, headers=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"


async def _forget(url: str) -> None:
    database = Database(lambda: url, size=1)
    await forget_old_keys(database)
    await database.close()


def said(response, *, made: bool = False) -> tuple:
    """An answer without what differs from one request to the next."""
    body = response.json()
    body.get("error", {}).pop("request_id", None)
    headers = {"content-type", "cache-control", "www-authenticate", "allow"} | (
        {"location"} if not made else {"etag"}
    )
    found = {name: value for name, value in response.headers.items() if name in headers}
    if made and response.status_code == 201:
        found = sorted([*found, "location"] if "location" in response.headers else found)
        body["data"] = {name: type(value) for name, value in body["data"].items()}
    return response.status_code, body, found
