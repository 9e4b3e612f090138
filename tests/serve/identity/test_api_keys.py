"""API keys: shown once, never stronger than their person, dead the moment they are revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import httpx
import pytest

from serve.identity.api_keys.ring import CACHE_S
from tests.serve.identity.conftest import AUTH, code

KEYS, ME, CONTACTS = f"{AUTH}/api-keys", f"{AUTH}/me", "/api/v1/contacts"
ASKED = {"name": "Nightly export", "scopes": ["contacts:read", "self:read"]}


@pytest.fixture
def person(somebody):
    return somebody(a="manager")


@pytest.fixture
def client(person):
    return person.client()


@pytest.fixture
def made(client):
    """A key that reads contacts, as its making showed it."""
    response = client.post(KEYS, json=ASKED)
    assert response.status_code == 201
    return response.json()["data"]


def by_key(firm, key: str, path: str = CONTACTS) -> httpx.Response:
    return firm.running.client(Authorization=f"Bearer {key}").get(path)


class TestAnswersOnTheirWay:
    def test_what_was_asked_before_a_change_is_not_remembered_behind_it(self, firm, person, made):
        """The store answers, the role is taken back, and only then is the answer looked at."""
        ring = firm.running.app.state.keys
        forget_all(firm)
        ask = ring._ask

        async def slow(digest):
            caller = await ask(digest)
            ring.forget_those_of(user_id=person.id, tenant_id=None, role=None)
            return caller

        ring._ask = slow
        try:
            assert by_key(firm, made["key"]).status_code == 200
        finally:
            del ring._ask
        assert not [caller for caller, _ in ring._seen.values() if caller.user_id == person.id]
        assert by_key(firm, made["key"]).status_code == 200
        assert [caller for caller, _ in ring._seen.values() if caller.user_id == person.id]


def forget_all(firm) -> None:
    """As in another process, which has not seen any key."""
    firm.running.app.state.keys._seen.clear()


class TestMake:
    def test_it_is_shown_once(self, firm, client, made):
        prefix, key = made["prefix"], made["key"]
        assert key.startswith(f"{prefix}_")
        assert (len(prefix), len(key)) == (11, 55)
        assert made["status"] == "active"
        [listed] = client.get(KEYS).json()["data"]
        assert listed == {name: value for name, value in made.items() if name != "key"}
        stored = firm.sql("select hash from api_key_hashes where api_key_id = %s", made["id"])
        assert stored == [(sha256(key.encode()).digest(),)]
        everything = str(firm.sql("select * from api_keys")) + str(firm.sql("select * from events"))
        assert key.removeprefix(prefix) not in everything

    def test_its_scopes_are_some_of_the_makers(self, client):
        response = client.post(KEYS, json={"name": "x", "scopes": ["contacts:read", "audit:read", "no:such"]})
        assert code(response) == (422, "INVALID")
        details = response.json()["error"]["details"]
        assert [detail["field"] for detail in details] == ["scopes[1]", "scopes[2]"]
        assert "audit:read" in details[0]["message"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": ""}, "name"),
            ({"scopes": []}, "scopes"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
            ({"expiresAt": "9999-12-31T23:59:59-14:00"}, "expires_at"),
            ({"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
            ({"user_id": str(uuid4())}, "user_id"),
        ],
    )
    def test_what_is_refused_is_named(self, client, change, field):
        response = client.post(KEYS, json=ASKED | change)
        assert response.status_code == 422
        assert [detail["field"] for detail in response.json()["error"]["details"]] == [field]

    def test_making_and_revoking_are_events(self, firm, person, client, made):
        client.put(f"{KEYS}/{made['id']}", json=ASKED | {"name": "Other"})
        client.delete(f"{KEYS}/{made['id']}")
        names = [name for name, *_ in firm.events(made["id"])]
        assert names == ["api_key.created", "api_key.updated", "api_key.updated"]
        assert firm.events(made["id"])[1][1:] == ({"name": "Nightly export"}, {"name": "Other"})
        assert [name for name, *_ in person.security()[1:]] == ["api_key.issued", "api_key.revoked"]


class TestUse:
    @pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
    def test_it_acts_for_its_person(self, firm, person, made, header):
        value = f"Bearer {made['key']}" if header == "Authorization" else made["key"]
        client = firm.running.client(**{header: value})
        assert client.get(CONTACTS).status_code == 200
        me = client.get(ME).json()["data"]
        assert me["user"]["id"] == str(person.id)
        assert me["permissions"] == sorted(ASKED["scopes"])
        assert me["expires_at"] is None

    def test_its_scopes_are_its_limit(self, firm, made):
        client = firm.running.client(Authorization=f"Bearer {made['key']}")
        refused = client.post(CONTACTS, json={"full_name": "Ada Byron"})
        assert code(refused) == (403, "FORBIDDEN")
        assert "contacts:write" in refused.json()["error"]["message"]

    def test_what_it_does_is_an_event_of_the_key(self, firm, client):
        key = client.post(KEYS, json={"name": "w", "scopes": ["contacts:write"]}).json()["data"]
        made = firm.running.client(Authorization=f"Bearer {key['key']}").post(
            CONTACTS, json={"full_name": "Ada Byron"}
        )
        actor = firm.sql(
            "select actor_kind, actor_id from events where entity_id = %s", made.json()["data"]["id"]
        )
        assert actor == [("api_key", UUID(key["id"]))]

    def test_it_never_does_more_than_its_person_today(self, firm, person, made):
        assert by_key(firm, made["key"]).status_code == 200
        firm.sql("update memberships set role = 'technician' where user_id = %s", person.id)
        forget_all(firm)
        assert code(by_key(firm, made["key"])) == (403, "FORBIDDEN")
        assert by_key(firm, made["key"], ME).json()["data"]["permissions"] == ["self:read"]

    @pytest.mark.parametrize(
        "change",
        [
            "update users set is_active = false where id = %s",
            "delete from memberships where user_id = %s",
        ],
    )
    def test_it_ends_with_its_person(self, firm, person, made, change):
        firm.sql(change, person.id)
        assert code(by_key(firm, made["key"])) == (401, "UNAUTHENTICATED")

    def test_an_expired_one(self, firm, client):
        soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        key = client.post(KEYS, json=ASKED | {"expires_at": soon}).json()["data"]
        assert by_key(firm, key["key"]).status_code == 200
        firm.sql("update api_keys set expires_at = now() - interval '1 second' where id = %s", key["id"])
        forget_all(firm)
        assert code(by_key(firm, key["key"])) == (401, "UNAUTHENTICATED")
        assert client.get(KEYS).json()["data"][0]["status"] == "expired"

    def test_what_is_no_key(self, firm, made):
        for wrong in ("tl_", "tl_12345678_short", made["key"][:-1] + "!", f"tl_12345678_{'a' * 43}"):
            assert code(by_key(firm, wrong)) == (401, "UNAUTHENTICATED")
        assert firm.running.client(**{"X-API-Key": ""}).get(CONTACTS).status_code == 401

    def test_its_use_is_noted_once_a_minute_and_is_no_change(self, firm, client, made):
        last_used = "select last_used_at from api_keys where id = %s"
        listed = client.get(KEYS).json()["data"][0]
        by_key(firm, made["key"])
        [(first,)] = firm.sql(last_used, made["id"])
        forget_all(firm)
        by_key(firm, made["key"])
        assert firm.sql(last_used, made["id"]) == [(first,)]
        firm.sql(
            "update api_keys set last_used_at = last_used_at - interval '61 seconds' where id = %s",
            made["id"],
        )
        forget_all(firm)
        by_key(firm, made["key"])
        assert firm.sql(last_used, made["id"])[0][0] > first
        after = client.get(KEYS).json()["data"][0]
        assert after["updated_at"] == listed["updated_at"]
        assert len(firm.events(made["id"])) == 1

    def test_a_key_cannot_do_what_only_people_may(self, firm, client):
        scopes = ["self:read", "self:write"]
        key = client.post(KEYS, json={"name": "all of mine", "scopes": scopes}).json()["data"]
        program = firm.running.client(Authorization=f"Bearer {key['key']}")
        answers = [
            program.post(KEYS, json=ASKED | {"scopes": ["self:read"]}),
            program.put(f"{KEYS}/{key['id']}", json=ASKED),
            program.delete(f"{KEYS}/{key['id']}"),
            program.put(ME, json={"full_name": "Robot"}),
            program.post(f"{AUTH}/logout"),
        ]
        assert {code(answer) for answer in answers} == {(403, "LOG_IN_NEEDED")}
        assert program.get(KEYS).status_code == 200

    def test_no_other_site_can_send_it_so_it_needs_no_header(self, firm, client):
        key = client.post(KEYS, json={"name": "w", "scopes": ["contacts:write"]}).json()["data"]
        program = firm.running.client(**{"X-API-Key": key["key"]})
        assert program.post(CONTACTS, json={"full_name": "Ada Byron"}).status_code == 201


class TestMemory:
    def test_it_is_remembered_for_half_a_minute(self, firm, made):
        ring = firm.running.app.state.keys
        by_key(firm, made["key"])
        firm.sql("update api_keys set revoked_at = now() where id = %s", made["id"])  # by another process
        assert by_key(firm, made["key"]).status_code == 200
        digest = sha256(made["key"].encode()).digest()
        caller, asked_at = ring._seen[digest]
        ring._seen[digest] = (caller, asked_at - CACHE_S)
        assert by_key(firm, made["key"]).status_code == 401

    def test_revoking_counts_at_once_here(self, firm, client, made):
        assert by_key(firm, made["key"]).status_code == 200
        revoked = client.delete(f"{KEYS}/{made['id']}").json()["data"]
        assert revoked["status"] == "revoked"
        assert code(by_key(firm, made["key"])) == (401, "UNAUTHENTICATED")

    def test_fewer_scopes_count_at_once_here(self, firm, client, made):
        assert by_key(firm, made["key"]).status_code == 200
        client.put(f"{KEYS}/{made['id']}", json=ASKED | {"scopes": ["self:read"]})
        assert code(by_key(firm, made["key"])) == (403, "FORBIDDEN")

    def test_it_is_bounded(self, firm, client, monkeypatch):
        monkeypatch.setattr("serve.identity.api_keys.ring.CACHE_SIZE", 2)
        forget_all(firm)
        for n in range(3):
            key = client.post(KEYS, json=ASKED | {"name": str(n)}).json()["data"]["key"]
            by_key(firm, key)
        assert len(firm.running.app.state.keys._seen) == 2


class TestChange:
    def test_a_lost_update_is_refused(self, client, made):
        path = f"{KEYS}/{made['id']}"
        first = client.put(path, json=ASKED | {"name": "A"})
        assert first.json()["data"]["name"] == "A"
        assert client.put(path, json=ASKED | {"name": "B"}).status_code == 200
        late = client.put(path, json=ASKED, headers={"If-Match": first.headers["etag"]})
        assert code(late) == (412, "CHANGED_MEANWHILE")
        assert client.delete(path, headers={"If-Match": first.headers["etag"]}).status_code == 412

    def test_a_revoked_one_stays_revoked(self, client, made):
        path = f"{KEYS}/{made['id']}"
        first = client.delete(path).json()["data"]
        assert client.delete(path).json()["data"] == first
        assert code(client.put(path, json=ASKED)) == (409, "API_KEY_REVOKED")


class TestWhose:
    def attempts(self, client, key_id) -> set[tuple[int, str]]:
        path = f"{KEYS}/{key_id}"
        answers = [
            client.put(path, json={"name": "x", "scopes": ["self:read"]}),
            client.delete(path),
            client.post(f"{path}/test"),
        ]
        return {code(answer) for answer in answers}

    def test_others_of_the_tenant_do_not_see_it(self, somebody, made):
        colleague = somebody(a="manager").client()
        assert colleague.get(KEYS).json()["data"] == []
        assert self.attempts(colleague, made["id"]) == {(404, "API_KEY_NOT_FOUND")}

    def test_another_tenant_does_not_see_it(self, firm, made):
        for tenant in (firm.b, firm.umbrella):
            stranger = firm.client("owner", tenant)
            assert self.attempts(stranger, made["id"]) == {(404, "API_KEY_NOT_FOUND")}
            listed = stranger.get(KEYS, params={"everyone": True, "limit": 1000}).json()["data"]
            assert made["id"] not in [key["id"] for key in listed]
        assert firm.sql("select revoked_at from api_keys where id = %s", made["id"]) == [(None,)]

    def test_who_manages_keys_manages_all_of_the_tenant(self, firm, person, client, made):
        owner = firm.client("owner")
        assert made["id"] not in [key["id"] for key in owner.get(KEYS).json()["data"]]
        listed = owner.get(KEYS, params={"everyone": True, "limit": 1000}).json()["data"]
        assert {"Sam Body"} == {key["user_name"] for key in listed if key["id"] == made["id"]}
        assert owner.delete(f"{KEYS}/{made['id']}").status_code == 200
        assert code(by_key(firm, made["key"])) == (401, "UNAUTHENTICATED")
        [(actor,)] = firm.sql(
            "select actor_id from events where entity_id = %s and name = 'api_key.revoked'", person.id
        )
        assert actor == firm.people[firm.a, "owner"]

    def test_everybodys_keys_need_the_permission(self, client):
        refused = client.get(KEYS, params={"everyone": True})
        assert code(refused) == (403, "FORBIDDEN")
        assert "api_keys:write" in refused.json()["error"]["message"]

    def test_an_id_that_nobody_has(self, client):
        assert self.attempts(client, uuid4()) == {(404, "API_KEY_NOT_FOUND")}

    def test_pages(self, client):
        names = [client.post(KEYS, json=ASKED | {"name": str(n)}).json()["data"]["name"] for n in range(3)]
        page = client.get(KEYS, params={"page": 2, "perPage": 2}).json()
        assert [key["name"] for key in page["data"]] == names[:1]
        assert (page["meta"]["total"], page["meta"]["total_pages"]) == (3, 2)


class TestTryOut:
    def ask(self, client, made) -> dict:
        return client.post(f"{KEYS}/{made['id']}/test").json()["data"]

    def test_a_good_one(self, firm, person, client, made):
        answer = self.ask(client, made)
        assert (answer["accepted"], answer["reason"], answer["role"]) == (True, None, "manager")
        assert answer["user"]["id"] == str(person.id)
        assert (answer["permissions"], answer["without_effect"]) == (sorted(ASKED["scopes"]), [])
        assert firm.sql("select last_used_at from api_keys where id = %s", made["id"]) == [(None,)]

    def test_a_revoked_one(self, client, made):
        client.delete(f"{KEYS}/{made['id']}")
        answer = self.ask(client, made)
        assert (answer["accepted"], answer["reason"], answer["permissions"]) == (False, "revoked", [])

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("update api_keys set expires_at = now() where user_id = %s", "expired"),
            ("update users set is_active = false where id = %s", "person_inactive"),
            ("delete from memberships where user_id = %s", "no_membership"),
        ],
    )
    def test_why_it_is_turned_away(self, firm, person, made, change, reason):
        firm.sql(change, person.id)
        answer = self.ask(firm.client("owner"), made)
        assert (answer["accepted"], answer["reason"]) == (False, reason)
        assert by_key(firm, made["key"]).status_code == 401  # it says what really happens

    def test_scopes_that_the_role_lost(self, firm, person, made):
        firm.sql("update memberships set role = 'technician' where user_id = %s", person.id)
        answer = self.ask(firm.client("owner"), made)
        assert answer["accepted"]
        assert (answer["permissions"], answer["without_effect"]) == (["self:read"], ["contacts:read"])
