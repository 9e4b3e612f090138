"""The audit log over HTTP: who did what, by every filter, newest first; and that reading it is noted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.serve.firm import VAN

AUDIT = "/api/v1/audit"
CONTACTS = "/api/v1/contacts"
CALLS = (AUDIT, f"{AUDIT}/logs", f"{AUDIT}/security-events", f"{AUDIT}/user-activities", f"{AUDIT}/verify")
TODAY = datetime.now(UTC).date()


def log(firm, path: str = AUDIT, tenant=None, **asked) -> list[dict]:
    response = firm.client(tenant=tenant).get(path, params=asked)
    assert response.status_code == 200, response.text
    return response.json()["data"]


@pytest.fixture
def ada(firm) -> str:
    """A contact that the agent made, the manager changed and the owner deleted."""
    made = firm.client("agent").post(CONTACTS, json={"full_name": "Ada Byron", "email": "ada@example.org"})
    id = made.json()["data"]["id"]
    firm.client("manager").patch(f"{CONTACTS}/{id}", json={"job_title": "Clerk"})
    firm.client().delete(f"{CONTACTS}/{id}")
    return id


@pytest.fixture
def refusal(firm) -> str:
    """A security event about the agent of A; its request."""
    request_id = f"test-{uuid4()}"
    firm.sql(
        "select set_config('app.actor', %s, true), record_security_event(%s, %s, 'access.denied', '{}', %s)",
        *(f"user:{firm.people[firm.a, 'agent']}", firm.people[firm.a, "agent"], firm.a, request_id),
    )
    return request_id


class TestLog:
    def test_newest_first_with_names_and_sealed_values(self, firm, ada):
        entries = log(firm, entity_id=ada)
        assert [(entry["name"], entry["actor_name"]) for entry in entries] == [
            ("contact.deleted", "Owner of A"),
            ("contact.updated", "Manager of A"),
            ("contact.created", "Agent of A"),
        ]
        assert entries[2]["after"]["full_name"] == {"sealed": None}
        assert "ada@example.org" not in str(entries)
        assert entries[1]["before"] == {"job_title": None}

    def test_both_paths_are_one(self, firm, ada):
        assert log(firm, f"{AUDIT}/logs", entity_id=ada) == log(firm, AUDIT, entity_id=ada)

    def test_filters(self, firm, ada):
        agent = str(firm.people[firm.a, "agent"])
        by_agent = log(firm, actorId=agent, entity_type="contact", per_page=1000)
        assert by_agent
        assert {entry["actor_id"] for entry in by_agent} == {agent}
        assert {entry["name"] for entry in log(firm, name="contact.deleted,contact.restored")} == {
            "contact.deleted"
        }
        created = log(firm, entity_id=ada, name="contact.created")[0]
        [same] = log(firm, request_id=created["request_id"])
        assert same == created
        assert log(firm, entity_type="vehicle") == []
        assert {entry["category"] for entry in log(firm, category="read,change")} <= {"read", "change"}
        assert log(firm, entity_id=ada, date_start=str(TODAY - timedelta(days=1)), date_end=str(TODAY))
        assert log(firm, entity_id=ada, date_end=str(TODAY - timedelta(days=2))) == []
        assert log(firm, entity_id=ada, date_start=str(TODAY + timedelta(days=1))) == []

    def test_pages_in_both_styles(self, firm, ada):
        whole = log(firm, entity_id=ada)
        client = firm.client()
        by_page = client.get(AUDIT, params={"entity_id": ada, "page": 2, "per_page": 2}).json()
        by_offset = client.get(AUDIT, params={"entity_id": ada, "limit": 2, "offset": 2}).json()
        assert by_page == by_offset
        assert by_page["data"] == whole[2:]
        assert by_page["meta"] | {"total": 3, "total_pages": 2, "total_is_estimate": False} == by_page["meta"]

    def test_what_a_key_did_its_person_did(self, firm, ada):
        manager, key = firm.people[firm.a, "manager"], uuid4()
        firm.sql(
            "insert into api_keys (id, tenant_id, user_id, name, prefix, scopes) values (%s, %s, %s, 'k', 'k', '[]')",
            *(key, firm.a, manager),
        )
        firm.sql(
            "insert into events (tenant_id, name, entity_type, actor_kind, actor_id)"
            " values (%s, 'account.updated', 'account', 'api_key', %s)",
            *(firm.a, key),
        )
        [entry] = log(firm, actor_id=str(key))
        assert (entry["actor_kind"], entry["actor_name"]) == ("api_key", "Manager of A")
        assert entry in log(firm, actor_id=str(manager), per_page=100)
        [person] = [one for one in log(firm, f"{AUDIT}/user-activities") if one["user_id"] == str(manager)]
        assert person["by_name"]["account.updated"] >= 1

    def test_a_stranger_sees_nothing_and_the_umbrella_its_child(self, firm, ada):
        assert log(firm, tenant=firm.b, entity_id=ada) == []
        assert len(log(firm, tenant=firm.umbrella, entity_id=ada)) == 3

    def test_what_is_wrong_is_named(self, firm):
        for asked in (
            {"actor_id": "x"},
            {"category": "other"},
            {"date_start": "yesterday"},
            {"date_end": "2026-01-01", "date_start": "2026-01-02"},
            {"request_id": "a b"},
            {"per_page": 0},
            {"who": "me"},
        ):
            response = firm.client().get(AUDIT, params=asked)
            assert response.status_code == 422, asked
            assert response.json()["error"]["details"][0]["field"].startswith(next(iter(asked)))

    @pytest.mark.parametrize("path", CALLS)
    def test_only_who_may(self, firm, path):
        assert firm.running.client().get(path).status_code == 401
        for role in ("manager", "viewer"):
            refused = firm.client(role).get(path)
            assert refused.status_code == 403
            assert "audit:read" in refused.json()["error"]["message"]
        assert firm.client("admin").get(path).status_code == 200


class TestSecurityEvents:
    def test_they_are_there_and_nothing_else_is(self, firm, ada, refusal):
        entries = log(firm, f"{AUDIT}/security-events", per_page=1000)
        assert {entry["category"] for entry in entries} == {"security"}
        [entry] = [entry for entry in entries if entry["request_id"] == refusal]
        assert (entry["name"], entry["entity_type"], entry["actor_name"]) == (
            "access.denied",
            "user",
            "Agent of A",
        )
        assert log(firm, f"{AUDIT}/security-events", request_id=refusal) == [entry]
        assert log(firm, f"{AUDIT}/security-events", tenant=firm.b, request_id=refusal) == []

    def test_their_category_is_not_a_question(self, firm):
        refused = firm.client().get(f"{AUDIT}/security-events", params={"category": "read"})
        assert refused.status_code == 422


class TestActivities:
    def test_each_person_with_counts_and_the_last_moment(self, firm, ada):
        people = log(firm, f"{AUDIT}/user-activities")
        by_name = {person["full_name"]: person for person in people}
        agent = by_name["Agent of A"]
        assert agent["email"] == "agent@a.example"
        assert agent["role"] == "agent"
        assert agent["by_name"]["contact.created"] >= 1
        assert agent["action_count"] == sum(agent["by_name"].values())
        newest = log(firm, actor_id=agent["user_id"])[0]
        assert agent["last_seen_at"] == newest["happened_at"]
        seen = [person["last_seen_at"] for person in people]
        assert seen == sorted(seen, reverse=True)

    def test_the_period_says_which_days_count(self, firm, ada):
        response = firm.client().get(f"{AUDIT}/user-activities").json()
        assert response["meta"]["date_end"] == str(TODAY)
        assert response["meta"]["date_start"] == str(TODAY - timedelta(days=29))
        past = firm.client().get(f"{AUDIT}/user-activities", params={"date_end": "2020-01-31"}).json()
        assert past["data"] == []
        assert past["meta"] | {"total": 0, "date_start": "2020-01-02"} == past["meta"]

    def test_one_persons_actions(self, firm, ada):
        manager = str(firm.people[firm.a, "manager"])
        actions = log(firm, f"{AUDIT}/user-activities", user_id=manager)
        assert actions[0]["actor_name"] == "Manager of A"
        assert {action["actor_id"] for action in actions if action["actor_kind"] == "user"} == {manager}
        assert (actions[0]["name"], actions[0]["entity_id"]) == ("contact.updated", ada)
        assert log(firm, f"{AUDIT}/user-activities", tenant=firm.b, user_id=manager) == []

    def test_pages(self, firm, ada):
        client = firm.client()
        one = client.get(f"{AUDIT}/user-activities", params={"per_page": 1}).json()
        assert len(one["data"]) == 1
        assert one["meta"]["total"] >= 3


class TestReadsAreNoted:
    def test_reading_the_log_is_in_the_log(self, firm, ada):
        marked = firm.client().get(AUDIT, params={"entity_id": ada, "page": 1})
        [note] = log(firm, request_id=marked.headers["x-request-id"])
        assert (note["name"], note["category"], note["entity_type"]) == ("audit.read", "read", "audit")
        assert note["actor_id"] == str(firm.people[firm.a, "owner"])
        assert note["after"] == {"entity_id": ada}
        assert note["tenant_id"] == str(firm.a)

    @pytest.mark.parametrize("path", [path for path in CALLS if "verify" not in path])
    def test_every_way_to_read_it_is(self, firm, path):
        request_id = firm.client().get(path).headers["x-request-id"]
        assert [note["name"] for note in log(firm, request_id=request_id)] == ["audit.read"]

    def test_an_umbrella_notes_in_its_own_log(self, firm, ada):
        request_id = firm.client(tenant=firm.umbrella).get(AUDIT).headers["x-request-id"]
        assert log(firm, request_id=request_id) == []
        assert len(log(firm, tenant=firm.umbrella, request_id=request_id)) == 1

    def test_the_history_of_a_person_shows_what_was_and_is_noted(self, firm, ada):
        response = firm.client("agent").get(f"{CONTACTS}/{ada}/history")
        assert response.json()["data"][-1]["after"]["email"] == "ada@example.org"
        assert response.json()["meta"]["total"] == 3
        [note] = log(firm, request_id=response.headers["x-request-id"])
        assert (note["name"], note["entity_id"], note["actor_name"]) == (
            "contact.history_read",
            ada,
            "Agent of A",
        )
        assert firm.client("agent").get(f"{CONTACTS}/{ada}/history").json()["meta"]["total"] == 3

    def test_a_history_without_a_person_is_not(self, firm):
        made = firm.client().post("/api/v1/vehicles", json=VAN).json()["data"]["id"]
        response = firm.client().get(f"/api/v1/vehicles/{made}/history")
        assert log(firm, request_id=response.headers["x-request-id"]) == []

    def test_a_history_that_is_not_yours_is_neither_shown_nor_noted(self, firm, ada):
        response = firm.client(tenant=firm.b).get(f"{CONTACTS}/{ada}/history")
        assert response.status_code == 404
        assert log(firm, tenant=firm.b, request_id=response.headers["x-request-id"]) == []
