"""One's own open sessions, their end, and a key that takes the place of another."""

from __future__ import annotations

from datetime import datetime

from tests.serve.identity.conftest import AUTH, code

SESSIONS = f"{AUTH}/sessions"
KEYS = f"{AUTH}/api-keys"


class TestSessions:
    def test_the_list_says_which_one_asks(self, somebody):
        person = somebody(a="manager", b="viewer")
        here, there = person.client(), person.client(person.log_in(tenant="b"))
        listed = here.get(SESSIONS).json()["data"]
        assert [each["is_current"] for each in listed] == [False, True]
        assert {each["tenant_name"] for each in listed} == {"A", "B"}
        assert there.get(SESSIONS).json()["data"][0]["is_current"]

    def test_one_that_is_ended_opens_nothing_any_more(self, firm, somebody):
        person = somebody()
        here, stolen = person.client(), person.log_in()
        [session] = [each for each in here.get(SESSIONS).json()["data"] if not each["is_current"]]
        assert here.delete(f"{SESSIONS}/{session['id']}").json()["data"] == {"ended_count": 1}
        assert person.client(stolen).get(f"{AUTH}/me").status_code == 401
        refresh = {"refresh_token": stolen["refresh_token"]}
        assert code(firm.running.client().post(f"{AUTH}/refresh", json=refresh)) == (401, "SESSION_ENDED")
        assert here.get(f"{AUTH}/me").status_code == 200
        assert code(here.delete(f"{SESSIONS}/{session['id']}")) == (404, "SESSION_NOT_FOUND")
        assert "sessions.ended" in [name for name, *_ in person.security()]

    def test_a_strangers_session_is_not_there(self, somebody):
        person, other = somebody(), somebody()
        theirs = other.client()
        [session] = theirs.get(SESSIONS).json()["data"]
        assert code(person.client().delete(f"{SESSIONS}/{session['id']}")) == (404, "SESSION_NOT_FOUND")
        assert theirs.get(f"{AUTH}/me").status_code == 200

    def test_all_the_others_at_once(self, somebody):
        person = somebody()
        here, *others = (person.client() for _ in range(3))
        assert here.post(f"{SESSIONS}/end-others").json()["data"] == {"ended_count": 2}
        assert [each.get(f"{AUTH}/me").status_code for each in (here, *others)] == [200, 401, 401]


class TestRotation:
    def test_both_keys_work_for_a_while(self, firm, somebody):
        person = somebody(a="manager")
        client = person.client()
        old = client.post(KEYS, json={"name": "Nightly", "scopes": ["self:read"]}).json()["data"]
        new = client.post(f"{KEYS}/{old['id']}/rotate", json={"overlap_h": 2}).json()["data"]
        assert (new["name"], new["scopes"], new["expires_at"]) == ("Nightly", ["self:read"], None)
        for key in (old, new):
            assert firm.running.client(**{"X-API-Key": key["key"]}).get(f"{AUTH}/me").status_code == 200
        [(ends_in_s,)] = firm.sql(
            "select extract(epoch from expires_at - now()) from api_keys where id = %s", old["id"]
        )
        assert 7_000 < ends_in_s <= 7_200
        firm.sql("update api_keys set expires_at = now() where id = %s", old["id"])
        firm.running.wait_for(firm.running.app.state.revocations.look())
        assert firm.running.client(**{"X-API-Key": old["key"]}).get(f"{AUTH}/me").status_code == 401
        assert "api_key.rotated" in [name for name, *_ in person.security()]

    def test_without_overlap_the_old_one_ends_now(self, firm, somebody):
        client = somebody(a="manager").client()
        old = client.post(KEYS, json={"name": "k", "scopes": ["self:read"]}).json()["data"]
        assert client.post(f"{KEYS}/{old['id']}/rotate", json={"overlap_h": 0}).status_code == 201
        assert firm.running.client(**{"X-API-Key": old["key"]}).get(f"{AUTH}/me").status_code == 401
        assert code(client.post(f"{KEYS}/{old['id']}/rotate", json={})) == (409, "API_KEY_REVOKED")

    def test_a_successor_lives_as_long_as_its_predecessor(self, firm, somebody):
        client = somebody(a="manager").client()
        body = {"name": "k", "scopes": ["self:read"], "expires_at": "2030-01-01T00:00:00Z"}
        old = client.post(KEYS, json=body).json()["data"]
        new = client.post(f"{KEYS}/{old['id']}/rotate", json={"overlap_h": 1}).json()["data"]
        assert datetime.fromisoformat(new["expires_at"]) > datetime.fromisoformat(old["expires_at"])

    def test_somebody_elses_key_is_not_rotated_even_by_who_manages_keys(self, firm, somebody):
        key = somebody(a="manager").client().post(KEYS, json={"name": "k", "scopes": ["self:read"]})
        answer = firm.client("admin").post(f"{KEYS}/{key.json()['data']['id']}/rotate", json={})
        assert code(answer) == (404, "API_KEY_NOT_FOUND")


class TestProfile:
    def test_phone_and_title(self, firm, somebody):
        client = somebody().client()
        sent = {"phone": "+49 421 555", "job_title": "Head of fleet"}
        changed = client.put("/api/v1/users/profile", json=sent).json()["data"]["profile"]
        assert (changed["phone"], changed["job_title"]) == ("+49 421 555", "Head of fleet")
        assert client.put("/api/v1/users/profile", json={"phone": None}).status_code == 200
        again = client.get("/api/users/me").json()["data"]["profile"]
        assert (again["phone"], again["job_title"]) == (None, "Head of fleet")

    def test_a_picture_and_none(self, somebody):
        client = somebody().client()
        gif = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
        avatar = "/api/v1/users/profile/avatar"
        assert client.patch(avatar, files={"file": ("me.gif", gif)}).status_code == 200
        shown = client.get("/api/v1/users/profile").json()["data"]["profile"]["avatar"]
        assert client.get(shown["url"]).headers["content-type"] == "image/webp"
        assert client.delete(avatar).json()["data"] == {"removed": True}
        assert client.get("/api/v1/users/profile").json()["data"]["profile"]["avatar"] is None
        assert client.delete(avatar).json()["data"] == {"removed": False}
