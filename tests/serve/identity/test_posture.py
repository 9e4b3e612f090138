"""How safe a tenant is set up: the page, its paper, attestations and threats over HTTP on real rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from serve.identity.security.controls import CONTROLS
from serve.identity.security.paper import words

PAGE = "/api/v1/b2b/advanced-security"


def page(client, **asked):
    answer = client.get(PAGE, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def check(found, name):
    return next(each for each in found["checks"] if each["name"] == name)


class TestPage:
    def test_who_comes_in_elsewhere_has_not_come_in_here(self, firm, somebody):
        """Of somebody who works for two, each tenant's page knows what they did there."""
        person = somebody(a="agent", b="agent")
        firm.sql(
            "update memberships set created_at = now() - interval '1 year' where user_id = %s", person.id
        )
        person.log_in(tenant="a")
        dormant = {
            of: check(page(firm.client("owner", of)), "people.dormant")["ids"] for of in (firm.a, firm.b)
        }
        assert str(person.id) in dormant[firm.b]
        assert str(person.id) not in dormant[firm.a]

    def test_it_follows_the_settings(self, firm):
        owner = firm.client()
        assert check(page(owner), "passwords.length")["verdict"] == "failed"
        before = page(owner)["score"]
        saved = owner.put(
            "/api/v1/settings/security",
            json={"password_min_length": 14, "session_idle_h": 24, "session_longest_h": 200},
        )
        assert saved.status_code == 200
        after = page(owner)
        assert check(after, "passwords.length")["verdict"] == "passed"
        assert check(after, "sessions.longest")["count"] == 200
        assert after["score"] > before

    def test_keys_are_named(self, firm):
        owner = firm.client()
        made = owner.post("/api/v1/auth/api-keys", json={"name": "Broad", "scopes": ["users:write"]})
        key_id = made.json()["data"]["id"]
        found = page(owner)
        for name in ("api_keys.unending", "api_keys.broad"):
            assert key_id in check(found, name)["ids"]
        assert owner.delete(f"/api/v1/auth/api-keys/{key_id}").status_code == 200
        assert key_id not in check(page(owner), "api_keys.broad")["ids"]

    def test_attempts_are_counted(self, firm):
        someone = firm.running.client()
        for password in ("wrong", "wrong", "a password of ours"):
            someone.post("/api/v1/auth/login", json={"email": "agent@b.example", "password": password})
        firm.running.wait_for(firm.running.app.state.notes.written())
        activity = page(firm.client("owner", firm.b))["activity"]
        assert (activity["came_in_count"], activity["failed_count"]) == (1, 2)
        assert activity["by_method"] == [{"method": "password", "count": 1}]
        assert activity["sso_share"] == 0
        assert sum(day["count"] for day in activity["failed_by_day"]) == 2

    def test_a_broken_seal_is_critical(self, firm):
        from serve.platform.audit.seals import seal

        owner = firm.client("owner", firm.b)
        owner.post("/api/v1/contacts", json={"full_name": "Ada"})
        firm.running.wait_for(seal(firm.running.app.state.worker_database))
        assert check(page(owner), "audit.seals")["verdict"] == "passed"
        firm.sql(
            "update events set happened_at = happened_at - interval '1 day' where tenant_id = %s", firm.b
        )
        found = page(owner)
        assert check(found, "audit.seals")["verdict"] == "failed"
        assert found["security_level"] == "critical"

    def test_what_is_asked_for(self, firm):
        owner = firm.client()
        found = page(owner, features="api_keys,people", compliance="soc2", securityLevel="high")
        assert {each["feature"] for each in found["checks"]} == {"api_keys"}
        assert {each["severity"] for each in found["checks"]} <= {"high", "critical"}
        assert {each["framework"] for each in found["compliance"]} == {"soc2"}

    @pytest.mark.parametrize(
        ("name", "value"), [("securityLevel", "extreme"), ("features", "magic"), ("compliance", "hipaa")]
    )
    def test_what_there_is_not(self, firm, name, value):
        refused = firm.client().get(PAGE, params={name: value})
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"].startswith(name)

    def test_only_those_at_work_count(self, firm):
        owner = firm.client()
        before = check(page(owner), "sessions.many")["of"]
        agent = firm.people[firm.a, "agent"]
        firm.sql("update memberships set state = 'suspended' where user_id = %s", agent)
        assert check(page(owner), "sessions.many")["of"] == before - 1
        firm.sql("update memberships set state = 'active' where user_id = %s", agent)

    def test_second_factors_are_those_that_people_have(self, firm):
        owner = firm.client("owner", firm.umbrella)
        without = check(page(owner), "second_factor.leaders")
        person = firm.people[firm.umbrella, "owner"]
        assert str(person) in without["ids"]
        firm.sql(
            "insert into totp_secrets (user_id, sealed_secret, confirmed_at) values (%s, 'x', now())", person
        )
        assert str(person) not in check(page(owner), "second_factor.leaders")["ids"]


class TestPaper:
    def test_it_says_what_the_page_says(self, firm):
        answer = firm.client().get("/api/v1/security/report")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        assert "security-" in answer.headers["content-disposition"]

    def test_its_words(self, firm):
        client = firm.client()
        found = page(client)
        found["looked_at"] = datetime.fromisoformat(found["looked_at"])
        report = client.get("/api/v1/b2b/multi-tenant/data-isolation").json()["data"]
        said = words(found, report)
        assert [row[1] for row in said["failed"]] == [
            each["title"] for each in found["checks"] if each["verdict"] == "failed"
        ]
        assert {row[1] for row in said["controls"]} == {control.number for control in CONTROLS}
        assert f"Score: {found['score']} of 100" in said["facts"][0]
        assert "Nobody has tried yet to cross." in said["isolation"]

    def test_not_for_a_manager(self, firm):
        assert firm.client("manager").get("/api/v1/security/report").status_code == 403


class TestAttestations:
    def attest(self, client, **more):
        body = {
            "control": "A.5.18",
            "verdict": "met",
            "statement": "Reviewed.",
            "valid_until": str(date.today() + timedelta(days=100)),
        }
        return client.post("/api/v1/security/attestations", json=body | more)

    def state(self, client, number="A.5.18"):
        return next(each for each in page(client)["compliance"] if each["number"] == number)

    def test_a_word_counts_until_it_is_taken_back(self, firm):
        owner = firm.client("owner", firm.umbrella)
        firm.sql(
            "update memberships set role = 'agent' where tenant_id = %s and role = 'admin'", firm.umbrella
        )
        assert self.state(owner)["state"] == "needs_person"
        made = self.attest(owner).json()["data"]
        found = self.state(owner)
        assert (found["state"], found["attestation"]["id"]) == ("passed", made["id"])
        assert found["attestation"]["user_id"] == str(firm.people[firm.umbrella, "owner"])
        assert owner.delete(f"/api/v1/security/attestations/{made['id']}").status_code == 200
        assert self.state(owner)["state"] == "needs_person"
        assert [name for name, *_ in firm.events(made["id"])] == [
            "control_attestation.created",
            "control_attestation.deleted",
        ]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("valid_until", "2020-01-01"),
            ("valid_until", "2099-01-01"),
            ("control", "A.99"),
            ("verdict", "maybe"),
        ],
    )
    def test_what_is_no_word(self, firm, field, value):
        refused = self.attest(firm.client(), **{field: value})
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"] == field

    def test_a_key_vouches_for_nothing(self, firm):
        made = firm.client().post("/api/v1/auth/api-keys", json={"name": "k", "scopes": ["security:write"]})
        refused = self.attest(firm.running.client(**{"X-API-Key": made.json()["data"]["key"]}))
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "LOG_IN_NEEDED")


class TestThreats:
    def tried(self, firm, tenant, user_id, *, outcome, address, minutes_ago, country=None, name=None):
        """An attempt as log-in leaves it: the row and the event."""
        firm.sql(
            "insert into sign_ins (tenant_id, user_id, happened_at, outcome, method, kind, address, country)"
            " values (%s, %s, now() - make_interval(mins => %s), %s, 'password', 'web', %s, %s)",
            *(tenant, user_id, minutes_ago, outcome, address, country),
        )
        firm.sql(
            "with acting as materialized (select set_config('app.actor', 'platform', true))"
            " insert into events (tenant_id, name, category, entity_type, entity_id, after, actor_kind)"
            " select %s, %s, 'security', 'user', %s, jsonb_build_object('address', %s::text), 'platform' from acting",
            *(tenant, name or f"login.{outcome}", user_id, address),
        )

    def test_impossible_travel_is_told_once_to_the_person_and_to_guards(self, firm):
        agent = firm.people[firm.b, "agent"]
        firm.deliver()
        self.tried(firm, firm.b, agent, outcome="succeeded", address="91.10.0.1", minutes_ago=30)
        self.tried(firm, firm.b, agent, outcome="succeeded", address="1.2.3.4", minutes_ago=5)
        firm.deliver()
        firm.deliver()
        places = firm.sql("select country from sign_ins where user_id = %s and address is not null", agent)
        assert {("DE",), ("AU",)} <= set(places)
        owner = firm.client("owner", firm.b)
        (threat,) = owner.get("/api/v1/security/threats", params={"kind": "impossible_travel"}).json()["data"]
        assert threat["user_id"] == str(agent)
        assert threat["evidence"]["countries"] == ["DE", "AU"]
        told = firm.sql(
            "select n.user_id, e.name from notifications n join events e on e.id = n.event_id"
            " where n.tenant_id = %s and e.name like 'threat.%%'",
            firm.b,
        )
        expected = {agent, firm.people[firm.b, "owner"], firm.people[firm.b, "admin"]}
        assert sorted(told) == sorted((each, "threat.impossible_travel") for each in expected)

        assert check(page(owner), "log_in.threats")["ids"] == [threat["id"]]
        done = owner.post(f"/api/v1/security/threats/{threat['id']}/acknowledge")
        assert done.json()["data"]["acknowledged_by"] == str(firm.people[firm.b, "owner"])
        assert check(page(owner), "log_in.threats")["verdict"] == "passed"
        again = owner.post(f"/api/v1/security/threats/{threat['id']}/acknowledge")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "THREAT_ACKNOWLEDGED")
        assert ("threat.acknowledged" in {name for name, *_ in firm.events(threat["id"])}) is True

    def test_stolen_passwords_tried_from_one_address(self, firm):
        people = [user for (tenant, _), user in firm.people.items() if tenant == firm.umbrella]
        assert len(people) >= 8
        for user in people:
            self.tried(firm, firm.umbrella, user, outcome="failed", address="203.0.113.50", minutes_ago=3)
        firm.deliver()
        owner = firm.client("owner", firm.umbrella)
        rows = owner.get("/api/v1/security/threats", params={"kind": "credential_stuffing"}).json()["data"]
        (threat,) = [row for row in rows if row["evidence"]["address"] == "203.0.113.50"]
        assert threat["evidence"]["account_count"] == len(people)
        assert threat["user_id"] is None

    def test_second_factors_tried_behind_stolen_passwords(self, firm):
        """Whoever gives wrong codes knows the passwords: that is watched like those who do not."""
        people = [user for (tenant, _), user in firm.people.items() if tenant == firm.umbrella]
        address = "203.0.113.60"
        for user in people:
            tried = {"outcome": "failed", "address": address, "name": "code.refused"}
            self.tried(firm, firm.umbrella, user, minutes_ago=3, **tried)
        firm.deliver()
        owner = firm.client("owner", firm.umbrella)
        rows = owner.get("/api/v1/security/threats", params={"kind": "credential_stuffing"}).json()["data"]
        assert address in {row["evidence"]["address"] for row in rows}

    def test_a_stranger_sees_no_threats_of_others(self, firm):
        assert firm.client("owner", firm.a).get("/api/v1/security/threats").json()["data"] == []


class TestWhy:
    WHY = "/api/v1/security/why"

    def ask(self, firm, user="viewer", **more):
        asked = {
            "user_id": str(firm.people[firm.a, user]),
            "method": "POST",
            "path": "/api/v1/contacts",
        } | more
        asked = {name: value for name, value in asked.items() if value is not None}
        answer = firm.client().get(self.WHY, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def codes(self, found):
        return [each["code"] for each in found["reasons"]]

    def test_by_the_request_that_was_refused(self, firm):
        refused = firm.client("viewer").delete(f"/api/v1/contacts/{uuid4()}")
        assert refused.status_code == 403
        firm.running.wait_for(firm.running.app.state.notes.written())
        by_request = {"request_id": refused.headers["x-request-id"]}
        found = firm.client().get(self.WHY, params=by_request).json()["data"]
        assert found["user_id"] == str(firm.people[firm.a, "viewer"])
        assert (found["method"], found["permission"]) == ("DELETE", "contacts:write")
        assert self.codes(found) == ["permission", "other_tenant"]
        assert found["roles_with_it"] == ["admin", "agent", "manager", "owner"]
        assert {each["role"] for each in found["who_can_give_it"]} == {"owner", "admin"}

    @pytest.mark.parametrize("path", ["/api/v1/contacts", "/api/contacts/", "/api/v1/contacts?x=1"])
    def test_what_would_be_refused(self, firm, path):
        found = self.ask(firm, path=path)
        assert (found["would_be_refused"], self.codes(found)) == (True, ["permission"])

    def test_what_would_not(self, firm):
        found = self.ask(firm, user="agent")
        assert (found["would_be_refused"], found["reasons"]) == (False, [])

    def test_a_role_of_the_tenants_own(self, firm):
        firm.sql(
            "insert into roles (tenant_id, slug, name, permissions) values (%s, 'clerk', 'Clerk', %s)",
            *(firm.a, '["contacts:read"]'),
        )
        provider = firm.people[firm.a, "provider"]
        firm.sql("update memberships set role = 'clerk' where user_id = %s", provider)
        try:
            assert self.ask(firm, user="provider", method="GET")["would_be_refused"] is False
            assert "clerk" in self.ask(firm, user="provider", method="GET")["roles_with_it"]
            assert self.codes(self.ask(firm, user="provider")) == ["permission"]
        finally:
            firm.sql("update memberships set role = 'provider' where user_id = %s", provider)

    def test_somebody_suspended(self, firm):
        agent = firm.people[firm.a, "agent"]
        firm.sql("update memberships set state = 'suspended' where user_id = %s", agent)
        try:
            assert self.codes(self.ask(firm, user="agent")) == ["suspended"]
        finally:
            firm.sql("update memberships set state = 'active' where user_id = %s", agent)

    def test_a_key(self, firm):
        owner = firm.client()
        made = owner.post("/api/v1/auth/api-keys", json={"name": "k", "scopes": ["contacts:read"]}).json()[
            "data"
        ]
        found = self.ask(firm, user_id=None, api_key_id=made["id"])
        assert self.codes(found) == ["key_scope"]
        found = self.ask(firm, user_id=None, api_key_id=made["id"], path="/api/v1/security/attestations")
        assert self.codes(found) == ["key_scope", "no_key"]
        owner.delete(f"/api/v1/auth/api-keys/{made['id']}")
        found = self.ask(firm, user_id=None, api_key_id=made["id"], method="GET")
        assert self.codes(found) == ["key_gone"]

    def test_nothing_there(self, firm):
        assert self.codes(self.ask(firm, path="/api/v1/unicorns")) == ["no_such_route"]
        assert self.codes(self.ask(firm, path="/api/v1/auth/login")) == ["open_to_everybody"]

    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"method": "GET", "path": "/x"},
            {"user_id": str(UUID(int=1)), "method": "GET"},
            {"request_id": "r", "method": "GET"},
        ],
    )
    def test_no_question(self, firm, asked):
        assert firm.client().get(self.WHY, params=asked).status_code == 422

    def test_nobody(self, firm):
        for asked in (
            {"request_id": "never"},
            {"user_id": str(firm.people[firm.b, "owner"]), "method": "GET", "path": "/api/v1/contacts"},
            {"api_key_id": str(uuid4()), "method": "GET", "path": "/api/v1/contacts"},
        ):
            assert firm.client().get(self.WHY, params=asked).status_code == 404

    def test_nothing_is_called(self, firm):
        before = firm.sql("select count(*) from contacts")
        self.ask(firm, user="agent")
        assert firm.sql("select count(*) from contacts") == before
