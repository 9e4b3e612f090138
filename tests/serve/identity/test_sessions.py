"""A session from log-in to its end: refresh tokens that work once, cookies, other tenants, log-out."""

from __future__ import annotations

import asyncio
from http.cookies import SimpleCookie

import httpx

from serve.identity.auth.cookies import DEVICE_COOKIE
from serve.kernel.caller import COOKIE
from tests.serve.identity.conftest import AUTH, PAGE, code

REFRESH, ME = f"{AUTH}/refresh", f"{AUTH}/me"
REFRESH_COOKIE = "throughline_refresh"


def exchange(firm, token: str, **asked: object) -> httpx.Response:
    return firm.running.client().post(REFRESH, json={"refresh_token": token, **asked})


def live_heads(firm, person) -> int:
    """Refresh tokens of the person that still open something."""
    return firm.sql(
        "select count(*) from refresh_tokens t join sessions s on s.id = t.session_id"
        " where s.user_id = %s and s.ended_at is null and s.expires_at > now() and t.used_at is null",
        person.id,
    )[0][0]


def let_grace_pass(firm, person) -> None:
    firm.sql(
        "update refresh_tokens set used_at = used_at - interval '11 seconds' where session_id in"
        " (select id from sessions where user_id = %s)",
        person.id,
    )


class TestRefresh:
    def test_it_gives_a_new_pair(self, firm, somebody):
        person = somebody()
        first = person.log_in()
        second = exchange(firm, first["refresh_token"]).json()["data"]
        third = exchange(firm, second["refresh_token"]).json()["data"]
        assert len({each["refresh_token"] for each in (first, second, third)}) == 3
        assert third["tenant"]["slug"] == "a"
        me = person.client(third).get(ME)
        assert me.json()["data"]["user"]["id"] == str(person.id)
        assert live_heads(firm, person) == 1

    def test_only_hashes_are_stored(self, firm, somebody):
        person = somebody()
        token = person.log_in()["refresh_token"]
        stored = firm.sql(
            "select t.hash, t.hash = sha256(%s::bytea) from refresh_tokens t join sessions s on s.id = t.session_id"
            " where s.user_id = %s",
            *(token.encode(), person.id),
        )
        assert [(len(hash), is_it) for hash, is_it in stored] == [(32, True)]

    def test_fifty_at_once_leave_one_head(self, firm, somebody):
        person = somebody()
        token = person.log_in()["refresh_token"]

        async def many() -> list[httpx.Response]:
            limits = httpx.Limits(max_connections=50)
            async with httpx.AsyncClient(base_url=firm.running.url, limits=limits, timeout=60) as client:
                asked = (client.post(REFRESH, json={"refreshToken": token}) for _ in range(50))
                return await asyncio.gather(*asked)

        answers = asyncio.run(many())
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 1
        assert live_heads(firm, person) == 1

    def test_a_lost_answer_can_be_asked_for_again(self, firm, somebody):
        token = somebody().log_in()["refresh_token"]
        lost, again = exchange(firm, token), exchange(firm, token)
        assert lost.json()["data"]["refresh_token"] == again.json()["data"]["refresh_token"]

    def test_late_reuse_ends_the_session(self, firm, somebody):
        person = somebody()
        stolen = person.log_in()["refresh_token"]
        renewed = exchange(firm, stolen).json()["data"]
        let_grace_pass(firm, person)
        assert code(exchange(firm, stolen)) == (401, "SESSION_ENDED")
        assert code(exchange(firm, renewed["refresh_token"])) == (401, "SESSION_ENDED")
        assert person.client(renewed).get(ME).status_code == 401
        assert live_heads(firm, person) == 0
        assert person.security()[-1] == ("refresh.reused", "a", "throughline_api")
        ended = firm.sql("select ended_because from sessions where user_id = %s", person.id)
        assert ended == [("reuse",)]

    def test_reuse_after_the_successor_was_spent_ends_it_even_at_once(self, firm, somebody):
        first = somebody().log_in()["refresh_token"]
        second = exchange(firm, first).json()["data"]["refresh_token"]
        third = exchange(firm, second).json()["data"]["refresh_token"]
        assert code(exchange(firm, first)) == (401, "SESSION_ENDED")
        assert code(exchange(firm, third)) == (401, "SESSION_ENDED")

    def test_other_sessions_of_the_person_go_on(self, firm, somebody):
        person = somebody()
        stolen, other = person.log_in(), person.log_in()
        exchange(firm, stolen["refresh_token"])
        let_grace_pass(firm, person)
        assert exchange(firm, stolen["refresh_token"]).status_code == 401
        assert exchange(firm, other["refresh_token"]).status_code == 200

    def test_what_is_no_token(self, firm):
        assert code(exchange(firm, "nobody-made-this")) == (401, "SESSION_ENDED")
        assert code(firm.running.client().post(REFRESH)) == (401, "UNAUTHENTICATED")
        assert code(firm.running.client().post(REFRESH, json={})) == (401, "UNAUTHENTICATED")
        refused = firm.running.client().post(REFRESH, json={"token": "x"})
        assert code(refused) == (422, "INVALID")

    def test_an_expired_session(self, firm, somebody):
        person = somebody()
        token = person.log_in()["refresh_token"]
        firm.sql("update sessions set expires_at = now() where user_id = %s", person.id)
        assert code(exchange(firm, token)) == (401, "SESSION_ENDED")


class TestRightsNow:
    def test_a_new_role_counts_from_the_next_refresh(self, firm, somebody):
        person = somebody(a="viewer")
        token = person.log_in()["refresh_token"]
        firm.sql("update memberships set role = 'technician' where user_id = %s", person.id)
        renewed = exchange(firm, token).json()["data"]
        assert renewed["tenant"]["role"] == "technician"
        assert person.client(renewed).get("/api/v1/contacts").status_code == 403

    def test_a_removed_membership(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        token = person.log_in(tenant="a")["refresh_token"]
        firm.sql("delete from memberships where user_id = %s and tenant_id = %s", person.id, firm.a)
        assert code(exchange(firm, token)) == (401, "UNAUTHENTICATED")
        elsewhere = exchange(firm, token, tenant="b")  # nothing was spent, and there is another one
        assert elsewhere.json()["data"]["tenant"]["slug"] == "b"

    def test_a_person_who_was_switched_off(self, firm, somebody):
        person = somebody()
        token = person.log_in()["refresh_token"]
        firm.sql("update users set is_active = false where id = %s", person.id)
        assert code(exchange(firm, token)) == (401, "SESSION_ENDED")

    def test_the_session_moves_to_another_membership_and_stays_there(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        first = person.log_in(tenant="a")
        moved = exchange(firm, first["refresh_token"], tenant=str(firm.b)).json()["data"]
        assert (moved["tenant"]["slug"], moved["tenant"]["role"]) == ("b", "viewer")
        kept = exchange(firm, moved["refresh_token"]).json()["data"]
        assert kept["tenant"]["slug"] == "b"
        assert person.client(kept).post("/api/v1/contacts", json={"full_name": "X"}).status_code == 403

    def test_not_to_a_strangers_tenant(self, firm, somebody):
        token = somebody(a="owner").log_in()["refresh_token"]
        assert code(exchange(firm, token, tenant="b")) == (403, "NO_MEMBERSHIP")
        assert exchange(firm, token).json()["data"]["tenant"]["slug"] == "a"

    def test_an_umbrella_goes_on_reading_its_children(self, firm, somebody):
        person = somebody(umbrella="manager")
        made = firm.client().post("/api/v1/contacts", json={"full_name": "Child Row"}).json()["data"]
        renewed = exchange(firm, person.log_in()["refresh_token"]).json()["data"]
        assert person.client(renewed).get(f"/api/v1/contacts/{made['id']}").status_code == 200


class TestCookies:
    def test_their_attributes(self, firm, somebody):
        client = firm.running.client()
        body = {"email": somebody().email, "password": "a password of ours"}
        response = client.post(f"{AUTH}/login", json=body)
        cookies = {}
        for line in response.headers.get_list("set-cookie"):
            cookies |= SimpleCookie(line)
        assert {name: cookie["path"] for name, cookie in cookies.items()} == {
            COOKIE: "/",
            REFRESH_COOKIE: "/api/v1/auth",
            DEVICE_COOKIE: "/",
        }
        for cookie in cookies.values():
            assert cookie["httponly"]
            assert cookie["samesite"] == "strict"
            assert not cookie["secure"]  # http on loopback
        assert int(cookies[COOKIE]["max-age"]) == 600
        assert int(cookies[REFRESH_COOKIE]["max-age"]) == 336 * 3600
        assert response.headers["cache-control"] == "no-store"

    def test_a_browser_refreshes_without_reading_its_token(self, firm, somebody):
        browser = firm.running.client()
        somebody().log_in(browser)
        before = browser.cookies[REFRESH_COOKIE]
        renewed = browser.post(REFRESH, headers=PAGE)
        assert renewed.status_code == 200
        assert renewed.json()["data"]["refresh_token"] is None
        assert browser.cookies[REFRESH_COOKIE] != before
        assert browser.cookies[REFRESH_COOKIE] not in renewed.text
        assert browser.get(ME).status_code == 200

    def test_another_site_cannot_make_it_refresh(self, firm, somebody):
        browser = firm.running.client()
        somebody().log_in(browser)
        assert code(browser.post(REFRESH)) == (403, "CSRF")
        assert browser.post(REFRESH, headers=PAGE).status_code == 200  # nothing was spent

    def test_log_out_takes_both_back(self, firm, somebody):
        browser = firm.running.client()
        somebody().log_in(browser)
        assert code(browser.post(f"{AUTH}/logout")) == (403, "CSRF")
        assert browser.post(f"{AUTH}/logout", headers=PAGE).status_code == 200
        assert list(browser.cookies) == [DEVICE_COOKIE]  # which opens nothing


class TestLogOut:
    def test_it_ends_refresh_and_access(self, firm, somebody):
        person = somebody()
        session = person.log_in()
        renewed = exchange(firm, session["refresh_token"]).json()["data"]
        assert person.client(renewed).post(f"{AUTH}/logout").json()["data"] == {"logged_out": True}
        assert code(exchange(firm, renewed["refresh_token"])) == (401, "SESSION_ENDED")
        for each in (session, renewed):  # both are of the session
            assert person.client(each).get(ME).status_code == 401
        ended = firm.sql("select ended_because from sessions where user_id = %s", person.id)
        assert ended == [("logout",)]

    def test_other_devices_stay(self, firm, somebody):
        person = somebody()
        here, there = person.log_in(), person.log_in()
        person.client(here).post(f"{AUTH}/logout")
        assert person.client(there).get(ME).status_code == 200
        assert exchange(firm, there["refresh_token"]).status_code == 200


class TestWays:
    def test_profile_is_me(self, somebody):
        client = somebody().client()
        assert client.get(f"{AUTH}/profile").json() == client.get(ME).json()

    def test_djobeas_address_logs_in_too(self, firm, somebody):
        person = somebody()
        body = {"email": person.email, "password": "a password of ours"}
        session = firm.running.client().post("/auth/api/auth/login", json=body).json()["data"]
        assert person.client(session).get("/api/auth/profile").json()["data"]["user"]["email"] == person.email
        assert (
            firm.running.client()
            .post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
            .is_success
        )
