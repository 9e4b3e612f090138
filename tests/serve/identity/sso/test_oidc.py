"""Signing in by an OpenID provider that is a process of its own: who comes in, as what, and once."""

from __future__ import annotations

import time
from uuid import uuid4

import httpx
import pytest

from tests.serve.identity.conftest import code
from tests.serve.identity.sso.houses import (
    AUTH,
    browser,
    by_oidc,
    here,
    me,
    oidc_house,
    state_of,
    to_provider,
)


@pytest.fixture(scope="module")
def house(firm, names, provider):
    return oidc_house(firm, names, provider)


class TestComingIn:
    def test_somebody_new(self, firm, house, provider):
        email, client = house.mail(), browser(firm)
        provider.says("new-1", email, claims={"groups": ["crew", "choir"]})
        response = by_oidc(client, house, return_to="/pages/index.html?tab=2")
        assert (response.status_code, response.headers["location"]) == (303, "/pages/index.html?tab=2")
        who = me(client)
        assert (who["user"]["email"], who["user"]["full_name"]) == (email, "Ada Byron")
        assert (who["tenant"]["slug"], who["tenant"]["role"]) == ("a", "technician")
        [(password, verified)] = firm.sql(
            "select password_hash, email_verified_at is not null from users where email = %s", email
        )
        assert (password, verified) == (None, True)
        assert ("new-1", email, "technician") in house.identities()

    def test_the_second_time_it_is_the_same_person_whatever_the_mail_says(self, firm, house, provider):
        email = house.mail()
        provider.says("same-1", email)
        by_oidc(browser(firm), house)
        provider.says("same-1", "somebody@elsewhere.example", verified=False)
        client = browser(firm)
        assert by_oidc(client, house).status_code == 303
        assert me(client)["user"]["email"] == email

    def test_a_member_is_found_by_mail_and_keeps_the_role(self, firm, house, provider):
        member, client = house.member("manager"), browser(firm)
        provider.says("member-1", member.email.upper(), claims={"groups": "crew"})
        assert by_oidc(client, house).status_code == 303
        who = me(client)
        assert (who["user"]["id"], who["tenant"]["role"]) == (str(member.id), "manager")

    def test_roles_in_step(self, firm, names, provider):
        house = oidc_house(firm, names, provider, keeps_roles_in_step=True)
        email = house.mail()
        for groups, role in ((["bosses"], "manager"), (["crew"], "technician"), ([], "viewer")):
            provider.says("step-1", email, claims={"groups": groups})
            client = browser(firm)
            assert by_oidc(client, house).status_code == 303
            assert me(client)["tenant"]["role"] == role

    def test_an_owner_stays_one(self, firm, names, provider):
        house = oidc_house(firm, names, provider, keeps_roles_in_step=True)
        owner, client = house.member("owner"), browser(firm)
        provider.says("owner-1", owner.email, claims={"groups": ["crew"]})
        assert by_oidc(client, house).status_code == 303
        assert me(client)["tenant"]["role"] == "owner"

    def test_mail_from_the_userinfo(self, firm, house, provider):
        email = house.mail()
        provider.plan(
            claims={"sub": "thin-1"}, userinfo={"sub": "thin-1", "email": email, "email_verified": True}
        )
        client = browser(firm)
        assert by_oidc(client, house).status_code == 303
        assert me(client)["user"]["email"] == email

    def test_groups_from_the_userinfo(self, firm, house, provider):
        """As providers do whose tokens would grow too large."""
        more = {"sub": "groups-1", "groups": ["bosses"]}
        provider.says("groups-1", house.mail(), userinfo=more)
        client = browser(firm)
        assert by_oidc(client, house).status_code == 303
        assert me(client)["tenant"]["role"] == "manager"

    def test_it_is_not_asked_for_what_was_said(self, firm, house, provider):
        provider.says("said-1", house.mail(), claims={"groups": []})
        assert by_oidc(browser(firm), house).status_code == 303
        assert "userinfo" not in provider.asked()

    def test_a_word_for_one_address_is_none_for_another(self, firm, house, provider):
        """The token has an address and no word for it; beside it another address is vouched for."""
        more = {"sub": "apart-1", "email": house.mail(), "email_verified": True}
        provider.plan(claims={"sub": "apart-1", "email": house.mail()}, userinfo=more)
        assert code(by_oidc(browser(firm), house)) == (403, "SSO_NOT_ADMITTED")

    @pytest.mark.parametrize("kind", ["RSA", "EC"])
    def test_new_keys_are_asked_for_once(self, firm, house, provider, kind):
        email = house.mail()
        provider.says(f"rotate-{kind}", email)
        by_oidc(browser(firm), house)
        provider.says(f"rotate-{kind}", email, rotate=kind, claims={"groups": []})
        response = by_oidc(browser(firm), house)
        assert response.status_code == 303, response.text
        assert provider.asked() == {"authorize": 1, "token": 1, "keys": 1}

    def test_the_clock_may_be_a_little_wrong(self, firm, house, provider):
        for shift in (50, -350):
            now = int(time.time()) + shift
            provider.says("clock-1", house.mail(), claims={"iat": now, "nbf": now, "exp": now + 300})
            assert by_oidc(browser(firm), house).status_code == 303

    def test_no_token_of_the_provider_is_kept(self, firm, house, provider):
        provider.says("kept-1", house.mail())
        by_oidc(browser(firm), house)
        columns = {
            name
            for (name,) in firm.sql(
                "select column_name from information_schema.columns where table_name like 'sso_%'"
            )
        }
        assert not {name for name in columns if "token" in name} - {"token"}  # of a domain
        assert firm.sql("select count(*) from sso_attempts where connection_id = %s", house.id) == [(0,)]

    def test_security_events(self, firm, house, provider):
        email = house.mail()
        provider.says("event-1", email)
        by_oidc(browser(firm), house)
        [(user_id,)] = firm.sql("select id from users where email = %s", email)
        events = firm.events(user_id)
        names = [name for name, *_ in events]
        assert names == ["user.added", "sso.provisioned", "login.succeeded"]
        assert events[1][2] == {"connection_id": house.id, "role": "viewer"}
        sign_in = firm.sql("select method, outcome, tenant_id from sign_ins where user_id = %s", user_id)
        assert sign_in == [("oidc", "succeeded", firm.a)]


class TestSession:
    def test_cookies(self, firm, house, provider):
        provider.says("cookie-1", house.mail())
        client = browser(firm)
        started = client.get(house.start)
        cookie = started.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/api/v1/auth/sso" in cookie
        assert "Max-Age=600" in cookie
        state = state_of(started.headers["location"])
        stored = firm.sql("select hash, browser_hash from sso_attempts where connection_id = %s", house.id)
        assert all(state.encode() not in bytes(each) for row in stored for each in row)
        answer = client.get(here(httpx.get(started.headers["location"]).headers["location"]))
        given = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
        assert given.keys() == {
            "throughline_access",
            "throughline_refresh",
            "throughline_device",
            "throughline_sso",
        }
        assert all("HttpOnly" in line for line in given.values())
        assert "access" not in answer.text

    def test_it_is_for_that_tenant_alone(self, firm, house, provider):
        member = house.member("manager")
        firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'manager')", member.id, firm.b
        )
        provider.says("two-houses", member.email)
        client = browser(firm)
        by_oidc(client, house)
        page = {"X-Requested-With": "page"}
        refused = client.post("/api/v1/auth/refresh", json={"tenant": "b"}, headers=page)
        assert code(refused) == (403, "SSO_ONE_TENANT")
        assert client.post("/api/v1/auth/refresh", json={"tenant": "a"}, headers=page).status_code == 200
        assert client.post("/api/v1/auth/refresh", headers=page).status_code == 200
        assert me(client)["tenant"]["slug"] == "a"

    @pytest.mark.parametrize(
        "path",
        [
            *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "evil", ""),
            *("/a\nSet-Cookie: x", "javascript:alert(1)", "/\t/evil.example", "http:/evil", "/%", " /a"),
            *("/ä", "/zł", "/\N{ZERO WIDTH SPACE}", "/\N{GRINNING FACE}"),
        ],
    )
    def test_it_leads_to_no_other_site(self, firm, house, path):
        response = browser(firm).get(house.start, params={"return_to": path})
        if response.status_code == 303:
            assert path == "/%"  # a path, if an odd one
        else:
            assert code(response) == (422, "INVALID")


class TestAttempts:
    """One browser, one use, ten minutes."""

    def back(self, firm, house, provider, client=None) -> str:
        provider.says(f"attempt-{uuid4().hex[:6]}", house.mail())
        return here(httpx.get(to_provider(client or browser(firm), house)).headers["location"])

    def test_twice(self, firm, house, provider):
        client = browser(firm)
        back = self.back(firm, house, provider, client)
        assert client.get(back).status_code == 303
        client.cookies.clear()
        assert code(client.get(back)) == (401, "SSO_STATE_UNKNOWN")

    def test_in_another_browser(self, firm, house, provider):
        """Somebody's answer, laid under somebody else: they would work in the attacker's account."""
        back = self.back(firm, house, provider)
        victim = browser(firm)
        assert code(victim.get(back)) == (401, "SSO_STATE_UNKNOWN")
        to_provider(victim, house)  # with an attempt of its own
        assert code(victim.get(back)) == (401, "SSO_STATE_UNKNOWN")

    def test_too_late(self, firm, house, provider):
        client = browser(firm)
        back = self.back(firm, house, provider, client)
        firm.sql("update sso_attempts set expires_at = now() where connection_id = %s", house.id)
        assert code(client.get(back)) == (401, "SSO_STATE_UNKNOWN")

    def test_with_somebody_elses_code(self, firm, house, provider):
        """PKCE: a code that was asked for by another attempt is worth nothing."""
        stolen = httpx.URL(self.back(firm, house, provider)).params["code"]
        client = browser(firm)
        own = httpx.URL(self.back(firm, house, provider, client))
        assert code(client.get(str(own.copy_set_param("code", stolen)))) == (401, "SSO_ANSWER_REFUSED")

    def test_after_the_connection_was_switched_off(self, firm, names, provider):
        house = oidc_house(firm, names, provider)
        client = browser(firm)
        back = self.back(firm, house, provider, client)
        house.owner().post(f"/api/v1/b2b/enterprise-sso/connections/{house.id}/disable")
        assert code(client.get(back)) == (404, "SSO_CONNECTION_NOT_FOUND")
        assert code(browser(firm).get(house.start)) == (404, "SSO_CONNECTION_NOT_FOUND")

    @pytest.mark.parametrize("state", ["", "x", "0" * 75, "z" * 199, "%00"])
    def test_made_up(self, firm, house, state):
        asked = {"state": state, "code": "x"}
        response = browser(firm).get(f"{AUTH}/oidc/{house.id}/callback", params=asked)
        assert code(response) == (401, "SSO_STATE_UNKNOWN")
        response = browser(firm).get(f"{AUTH}/oidc/{uuid4()}/callback", params=asked)
        assert code(response) == (404, "SSO_CONNECTION_NOT_FOUND")

    @pytest.mark.parametrize("whose", ["a", "b"])
    def test_at_the_address_of_another_connection(self, firm, names, house, provider, whose):
        """Two providers that do not tell their codes apart: what one was asked is never answered by the other."""
        theirs = oidc_house(firm, names, provider, getattr(firm, whose))
        client = browser(firm)
        back = self.back(firm, house, provider, client)
        assert house.id in back
        assert code(client.get(back.replace(house.id, theirs.id))) == (401, "SSO_STATE_UNKNOWN")
        assert "throughline_access" not in client.cookies
        assert client.get(back).status_code == 303

    @pytest.mark.parametrize("asked", [{}, {"code": "junk"}, {"code": "junk", "iss": "https://evil.example"}])
    def test_what_anybody_can_send_is_no_event_of_the_tenant(self, firm, house, provider, asked):
        before = firm.events(house.id)
        client = browser(firm)
        state = state_of(to_provider(client, house))
        refused = client.get(f"{AUTH}/oidc/{house.id}/callback", params={"state": state, **asked})
        assert refused.status_code == 401
        assert firm.events(house.id) == before

    def test_they_are_forgotten(self, firm, house):
        from serve.identity.sso.attempts import forget_attempts

        to_provider(browser(firm), house)
        firm.sql("update sso_attempts set expires_at = now() - interval '1 second'")
        firm.running.wait_for(forget_attempts(firm.running.app.state.worker_database))
        assert firm.sql("select count(*) from sso_attempts") == [(0,)]
