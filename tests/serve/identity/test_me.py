"""One's own name, e-mail and password."""

from __future__ import annotations

import pytest

from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH, code

ME = f"{AUTH}/me"
NEW = "another password of ours"


class TestChange:
    def test_the_name_alone_needs_no_password(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        client = person.client()
        answer = client.put(ME, json={"fullName": "Sam Other"}).json()["data"]
        assert answer["user"] == {"id": str(person.id), "email": person.email, "full_name": "Sam Other"}
        assert client.get(ME).json()["data"]["user"]["full_name"] == "Sam Other"
        assert firm.sql("select full_name, email from users where id = %s", person.id) == [
            ("Sam Other", person.email)
        ]
        told = person.security()[1:]
        assert sorted(told) == [("profile.changed", "a", "user"), ("profile.changed", "b", "user")]
        kept = firm.sql(
            "select after from events where entity_id = %s and name = 'profile.changed'", person.id
        )
        assert kept[0][0] == {"fields": ["full_name"]}

    def test_nothing_sent_changes_nothing(self, somebody):
        person = somebody()
        assert person.client().put(ME, json={}).status_code == 200
        assert [name for name, *_ in person.security()] == ["login.succeeded"]

    def test_a_taken_mail_is_answered_like_a_free_one(self, firm, somebody):
        """Only mails tell: whose address it is that somebody wanted it, and nobody that it is taken."""
        person, other = somebody(), somebody()
        client, free = person.client(), f"new.{person.email}"
        asked = {"current_password": PASSWORD, "full_name": "Sam Kept"}
        first, second = (
            client.put(ME, json=asked | {"email": email}) for email in (free, other.email.upper())
        )
        assert first.json()["data"] == second.json()["data"]
        assert first.json()["data"]["user"]["email"] == person.email
        assert first.status_code == second.status_code == 200
        told = {mail.to_address.lower(): mail for mail in firm.account_mails()}
        assert told[free].kind == "email_confirmation"
        assert told[other.email].kind == "email_wanted"
        assert person.email not in told[other.email].text
        assert "token" not in told[other.email].text
        assert other.log_in()["user"]["email"] == other.email

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"email": "no address"}, "email"),
            ({"email": "x@example.com"}, "current_password"),
            ({"password": NEW}, "current_password"),
            ({"password": NEW, "current_password": "wrong"}, "current_password"),
            ({"password": "short", "current_password": PASSWORD}, "password"),
            ({"full_name": ""}, "full_name"),
            ({"full_name": "a\0b"}, "full_name"),
            ({"role": "owner"}, "role"),
        ],
    )
    def test_what_is_refused_is_named(self, somebody, asked, field):
        person = somebody()
        response = person.client().put(ME, json=asked)
        assert response.status_code == 422
        assert [detail["field"] for detail in response.json()["error"]["details"]] == [field]
        assert NEW not in response.text


class TestNewPassword:
    def test_it_ends_the_other_sessions(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        here, there = person.log_in(), person.log_in()
        changed = person.client(here).put(ME, json={"password": NEW, "current_password": PASSWORD})
        assert changed.status_code == 200
        refused = firm.running.client().post(
            f"{AUTH}/refresh", json={"refresh_token": there["refresh_token"]}
        )
        assert code(refused) == (401, "SESSION_ENDED")
        assert person.client(there).get(ME).status_code == 401
        assert person.client(here).get(ME).status_code == 200
        kept = firm.running.client().post(f"{AUTH}/refresh", json={"refresh_token": here["refresh_token"]})
        assert kept.status_code == 200
        assert {name for name, *_ in person.security()} == {"login.succeeded", "password.changed"}
        assert ("password.changed", "b", "user") in person.security()

    def test_only_the_new_one_opens(self, firm, somebody):
        person = somebody()
        person.client().put(ME, json={"password": NEW, "current_password": PASSWORD})
        old = firm.running.client().post(f"{AUTH}/login", json={"email": person.email, "password": PASSWORD})
        assert code(old) == (401, "WRONG_CREDENTIALS")
        assert person.log_in(password=NEW)
        [(stored,)] = firm.sql("select password_hash from users where id = %s", person.id)
        assert stored.startswith("$argon2id$")

    def test_guesses_are_noted_and_limited(self, somebody):
        person = somebody()
        client = person.client()
        guess = {"password": NEW, "current_password": "wrong"}
        statuses = [client.put(ME, json=guess).status_code for _ in range(11)]
        assert statuses == [422] * 10 + [429]
        assert [name for name, *_ in person.security()][1:] == ["password.refused"] * 10


class TestSecurityEvents:
    def test_log_in_and_log_out(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        person.client(person.log_in(tenant="b")).post(f"{AUTH}/logout")
        assert person.security() == [("login.succeeded", "b", "user"), ("logout", "b", "user")]
        [(after, actor, request_id)] = firm.sql(
            "select after, actor_id, request_id from events where entity_id = %s and name = 'login.succeeded'",
            person.id,
        )
        assert (after["address"], actor) == ("127.0.0.1", person.id)
        assert request_id

    def test_a_failed_log_in_of_a_known_account_is_told_to_its_tenants(self, firm, somebody):
        person = somebody(a="manager", b="viewer")
        asked = {"email": person.email, "password": "a wrong one"}
        assert firm.running.client().post(f"{AUTH}/login", json=asked).status_code == 401
        told = sorted(person.security())
        assert told == [("login.failed", slug, "throughline_api") for slug in ("a", "b")]
        assert "a wrong one" not in str(firm.sql("select after from events where entity_id = %s", person.id))

    def test_an_unknown_account_is_only_logged_and_without_its_name(self, firm, caplog):
        caplog.set_level("INFO", "throughline.security")
        [(before,)] = firm.sql("select count(*) from events")
        firm.running.client().post(
            f"{AUTH}/login", json={"email": "my-password-by-mistake", "password": "secret words"}
        )
        assert "log-in of an unknown account" in caplog.text
        assert "my-password" not in caplog.text
        assert "secret" not in caplog.text
        assert firm.sql("select count(*) from events") == [(before,)]

    def test_who_is_denied_is_noted(self, firm, somebody):
        person = somebody(a="technician")
        response = person.client().get("/api/v1/contacts", params={"limit": 5})
        assert code(response) == (403, "FORBIDDEN")
        assert "contacts:read" in response.json()["error"]["message"]
        assert person.security()[-1] == ("access.denied", "a", "user")
        [(after, request_id)] = firm.sql(
            "select after, request_id from events where entity_id = %s and name = 'access.denied'", person.id
        )
        assert after == {"permission": "contacts:read", "method": "GET", "path": "/api/v1/contacts"}
        assert request_id == response.headers["x-request-id"]

    @pytest.mark.parametrize(
        ("path", "body", "permission"),
        [
            ("PUT /api/v1/settings/security", {}, "settings:write"),
            ("POST /api/v1/feature-flags/evaluate", {"context": {"subject": "somebody"}}, "flags:read"),
        ],
    )
    def test_one_that_the_values_decide_is_noted_too(self, firm, somebody, path, body, permission):
        person = somebody(a="agent")
        response = person.client().request(*path.split(), json=body)
        assert code(response) == (403, "FORBIDDEN"), response.text
        assert permission in response.json()["error"]["message"]
        assert person.security()[-1] == ("access.denied", "a", "user")
        asked = {"request_id": response.headers["x-request-id"]}
        why = firm.client().get("/api/v1/security/why", params=asked)
        found = why.json()["data"]
        assert found["user_id"] == str(person.id)
        assert (found["permission"], found["would_be_refused"]) == (permission, True)

    def test_a_refusal_that_cannot_be_noted_is_a_refusal_all_the_same(self, shared_service, caplog):
        refused = shared_service.caller(role="technician").get("/api/v1/dashboard/kpis")
        shared_service.wait_for(shared_service.app.state.notes.written())
        assert refused.status_code == 403
        assert "access.denied" in caplog.text
