"""Who logs in or proves who they are again has one token, and administrators end sessions of others."""

from __future__ import annotations

import pytest

from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code

USERS, ME = "/api/v1/admin/users", f"{AUTH}/me"


@pytest.fixture
def elsewhere(firm, run_app):
    """Another process of the same installation, which looks by itself."""
    home = firm.running.app.state.settings.throughline_home
    return run_app(home, database_url=firm.address.base, background_work=False)


def is_open(firm, session) -> bool:
    """Whether its refresh token still gives anything."""
    body = {"refresh_token": session["refresh_token"]}
    return firm.running.client().post(f"{AUTH}/refresh", json=body).status_code == 200


class TestRenewal:
    def test_a_proof_ends_the_tokens_of_before(self, firm, somebody, elsewhere):
        person = somebody()
        session = person.log_in()
        client = person.client(session)
        there = elsewhere.client(Authorization=client.headers["authorization"])
        assert there.get(ME).status_code == 200
        proved = client.post(f"{AUTH}/step-up", json={"password": PASSWORD}).json()["data"]
        assert code(client.get(ME)) == (401, "TOKEN_STALE")
        elsewhere.wait_for(elsewhere.app.state.revocations.look())
        assert code(there.get(ME)) == (401, "TOKEN_STALE")
        assert person.client(proved).get(ME).status_code == 200
        assert is_open(firm, proved)

    def test_another_session_of_the_person_goes_on(self, somebody):
        person = somebody()
        here, there = person.client(), person.client()
        assert here.post(f"{AUTH}/step-up", json={"password": PASSWORD}).status_code == 200
        assert there.get(ME).status_code == 200

    def test_a_log_in_ends_the_session_that_the_browser_had(self, firm, somebody):
        person, next_one = somebody(), somebody()
        browser = firm.running.client()
        body = {"email": person.email, "password": PASSWORD}
        first = browser.post(f"{AUTH}/login", json=body).json()["data"]
        browser.post(f"{AUTH}/login", json=body | {"email": next_one.email})
        assert person.client(first).get(ME).status_code == 401
        assert not is_open(firm, first)
        assert browser.get(ME).json()["data"]["user"]["email"] == next_one.email

    def test_a_wrong_password_ends_nothing(self, firm, somebody):
        person = somebody()
        browser = firm.running.client()
        body = {"email": person.email, "password": PASSWORD}
        browser.post(f"{AUTH}/login", json=body)
        browser.post(f"{AUTH}/login", json=body | {"password": "a wrong one"})
        assert browser.get(ME).status_code == 200


class TestSignOut:
    def test_of_one_person(self, firm, somebody, elsewhere):
        sam, other = somebody(a="manager", b="viewer"), somebody()
        sessions = [sam.log_in(tenant="a"), sam.log_in(tenant="a")]
        at_b, others = sam.client(sam.log_in(tenant="b")), other.client()
        key = (
            sam.client(sessions[0])
            .post(f"{AUTH}/api-keys", json={"name": "k", "scopes": ["self:read"]})
            .json()["data"]["key"]
        )
        firm.account_mails()
        owner = firm.client(in_session=True)
        ended = owner.post(f"{USERS}/{sam.id}/sign-out")
        assert ended.json()["data"] == {"ended_count": 2, "person_count": 1}
        for session in sessions:
            assert sam.client(session).get(ME).status_code == 401
            assert not is_open(firm, session)
        elsewhere.wait_for(elsewhere.app.state.revocations.look())
        token = sam.client(sessions[1]).headers["authorization"]
        assert elsewhere.client(Authorization=token).get(ME).status_code == 401
        assert at_b.get(ME).status_code == others.get(ME).status_code == owner.get(ME).status_code == 200
        assert firm.running.client(**{"X-API-Key": key}).get(ME).status_code == 200
        [mail] = firm.account_mails()
        assert (mail.kind, mail.to_address) == ("signed_out", sam.email)
        assert "Owner of A" in mail.text
        assert sam.log_in(tenant="a")["access_token"]
        [(tenants, session_count)] = firm.sql(
            "select array_agg(tenant_id), max(jsonb_array_length(after -> 'session_ids')) from events"
            " where name = 'sessions.ended' and entity_id = %s",
            str(sam.id),
        )
        assert (tenants, session_count) == ([firm.a], 2)

    def test_a_token_of_before_the_session_moved_on_counts_no_more(self, firm, somebody):
        sam = somebody(a="manager", b="viewer")
        session = sam.log_in(tenant="a")
        body = {"refresh_token": session["refresh_token"], "tenant": "b"}
        moved = firm.running.client().post(f"{AUTH}/refresh", json=body).json()["data"]
        assert firm.client(in_session=True).post(f"{USERS}/{sam.id}/sign-out").status_code == 200
        assert code(sam.client(session).get("/api/v1/contacts")) == (401, "TOKEN_STALE")
        assert sam.client(moved).get(ME).status_code == 200

    def test_of_everybody_but_who_asks(self, firm, somebody):
        firm.sql("update sessions set ended_at = now() where ended_at is null")
        owner = somebody(b="owner")
        kept, own_other = owner.log_in(), owner.log_in()
        sam, stranger = somebody(b="agent"), somebody(a="agent")
        theirs, strangers = sam.log_in(), stranger.client()
        firm.account_mails()
        answer = owner.client(kept).post(f"{USERS}/sign-out")
        assert answer.json()["data"]["person_count"] == 2
        assert owner.client(kept).get(ME).status_code == strangers.get(ME).status_code == 200
        for session in (theirs, own_other):
            assert not is_open(firm, session)
        assert sam.client(theirs).get(ME).status_code == 401
        assert [mail.to_address for mail in firm.account_mails()] == [sam.email]

    def test_who_may_not(self, firm, somebody):
        sam = somebody()
        client = sam.client()
        for path in (f"{USERS}/{sam.id}/sign-out", f"{USERS}/sign-out"):
            assert code(firm.client("manager").post(path)) == (403, "FORBIDDEN")
        stranger = firm.client("owner", firm.b).post(f"{USERS}/{sam.id}/sign-out")
        assert code(stranger) == (404, "USER_NOT_FOUND")
        assert client.get(ME).status_code == 200
