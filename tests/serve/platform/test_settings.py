"""Settings of the tenant and of its people, by every path that a front end calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.serve.firm import PASSWORD

API = "/api/v1/settings"
PATHS = (
    "general",
    "email",
    "security",
    "sales",
    "reviews",
    "geocoding",
    "transcription",
    "notifications",
    "preferences",
)


@pytest.fixture(autouse=True)
def _clean(firm):
    yield
    firm.sql("delete from settings")
    firm.sql("update tenants set name = initcap(slug), timezone = 'UTC', currency = 'EUR'")


def stored(firm, category: str) -> list:
    return firm.sql("select tenant_id, user_id, values from settings where category = %s", category)


def last_event(firm):
    return firm.sql("select name, before, after, actor_id from events order by position desc limit 1")[0]


class TestReading:
    def test_what_nobody_set_shows_its_default(self, firm):
        response = firm.client().get(API)
        data = response.json()["data"]
        assert set(data) == set(PATHS)
        assert (data["general"]["name"], data["general"]["timezone"], data["general"]["currency"]) == (
            "A",
            "UTC",
            "EUR",
        )
        assert data["preferences"]["theme"] == "system"
        assert data["email"]["smtp_port"] == 587
        assert data["email"]["password_is_set"] is False
        assert "password" not in data["email"]
        assert stored(firm, "general") == []

    def test_categories_are_selected(self, firm):
        data = firm.client().get(API, params={"category": "email,general"}).json()["data"]
        assert list(data) == ["email", "general"]

    @pytest.mark.parametrize("category", PATHS)
    def test_each_has_its_path(self, firm, category):
        answer = firm.client().get(f"{API}/{category}").json()
        assert answer["meta"]["category"] == category
        assert answer["data"] == firm.client().get(API).json()["data"][category]

    @pytest.mark.parametrize("path", ["/secrets", "?category=general,secrets"])
    def test_an_unknown_category_names_those_there_are(self, firm, path):
        response = firm.client().get(API + path)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "CATEGORY_NOT_FOUND")
        assert "preferences" in response.json()["error"]["message"]
        assert firm.client().put(f"{API}/secrets", json={}).status_code == 404

    def test_what_no_longer_fits_counts_as_not_set(self, firm):
        firm.sql(
            "insert into settings (tenant_id, user_id, category, values) values (%s, %s, 'preferences', %s)",
            *(str(firm.a), str(firm.people[firm.a, "owner"])),
            '{"theme": "sepia", "long_gone": 1, "density": "compact"}',
        )
        data = firm.client().get(f"{API}/preferences").json()["data"]
        assert (data["theme"], data["density"]) == ("system", "compact")
        assert firm.client().put(f"{API}/preferences", json={"language": "de"}).status_code == 200
        assert stored(firm, "preferences")[0][2] == {"density": "compact", "language": "de"}


class TestChanging:
    def test_what_is_sent_changes_and_the_rest_stays(self, firm):
        owner = firm.client()
        owner.put(f"{API}/email", json={"smtpHost": "one.example", "smtp_port": 25})
        response = owner.put(f"{API}/email", json={"smtp_host": "two.example"})
        assert response.status_code == 200
        assert response.json()["data"]["smtp_host"] == "two.example"
        assert stored(firm, "email") == [(firm.a, None, {"smtp_host": "two.example", "smtp_port": 25})]
        owner.put(f"{API}/email", json={"smtp_port": None})
        assert owner.get(f"{API}/email").json()["data"]["smtp_port"] == 587
        assert stored(firm, "email")[0][2] == {"smtp_host": "two.example"}

    def test_general_is_how_the_tenant_counts(self, firm):
        hours = [{"day": "monday", "opensAt": "08:00", "closesAt": "12:00"}]
        sent = {
            "name": "Alpha",
            "timezone": "Europe/Berlin",
            "businessHours": hours,
            "weekStartsOn": "sunday",
        }
        response = firm.client().put(f"{API}/general", json=sent)
        assert response.json()["data"]["business_hours"] == [
            {"day": "monday", "opens_at": "08:00", "closes_at": "12:00"}
        ]
        assert firm.sql("select name, timezone, currency from tenants where id = %s", str(firm.a)) == [
            ("Alpha", "Europe/Berlin", "EUR")
        ]
        assert firm.sql("select name from tenants where id = %s", str(firm.b)) == [("B",)]
        firm.sql("update tenants set name = 'Beta' where id = %s", str(firm.a))
        assert firm.client().get(f"{API}/general").json()["data"]["name"] == "Beta"

    def test_several_at_once(self, firm):
        owner = firm.client()
        sent = {"security": {"passwordMinLength": 14}, "preferences": {"theme": "dark"}}
        response = owner.put(API, json=sent)
        assert list(response.json()["data"]) == ["security", "preferences"]
        assert owner.get(f"{API}/security").json()["data"]["password_min_length"] == 14
        wrong = {
            "email": {"from_name": "Nobody"},
            "security": {"session_idle_h": 9, "session_longest_h": 8},
        }
        refused = owner.put(API, json=wrong)
        assert refused.status_code == 422
        assert refused.json()["error"]["details"][0]["field"] == "security.session_longest_h"
        assert stored(firm, "email") == []

    def test_people_have_their_own(self, firm):
        firm.client("agent").put(f"{API}/preferences", json={"theme": "dark"})
        assert stored(firm, "preferences") == [(firm.a, firm.people[firm.a, "agent"], {"theme": "dark"})]
        assert firm.client().get(f"{API}/preferences").json()["data"]["theme"] == "system"
        assert firm.client("agent").get(f"{API}/preferences").json()["data"]["theme"] == "dark"

    def test_each_change_is_an_event_and_nothing_new_is_none(self, firm):
        owner = firm.client()
        owner.put(f"{API}/notifications", json={"muted_kinds": ["contact"]})
        owner.put(f"{API}/notifications", json={"muted_kinds": ["contact"], "is_quiet": True})
        name, before, after, actor = last_event(firm)
        assert (name, actor) == ("settings.notifications_changed", firm.people[firm.a, "owner"])
        assert (before, after) == (
            {"values": {"muted_kinds": ["contact"]}},
            {"values": {"muted_kinds": ["contact"], "is_quiet": True}},
        )
        count = firm.sql("select count(*) from events")
        assert owner.put(f"{API}/notifications", json={"is_quiet": True}).status_code == 200
        assert firm.sql("select count(*) from events") == count

    def test_people_changing_at_once_lose_nothing(self, firm):
        fields = ["from_address", "from_name", "reply_to", "username"]
        clients = [firm.client() for _ in fields]

        def change(index: int) -> int:
            body = {fields[index]: f"u{index}@a.example"}
            return clients[index].put(f"{API}/email", json=body).status_code

        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(change, range(4))) == {200}
        assert stored(firm, "email")[0][2] == {field: f"u{n}@a.example" for n, field in enumerate(fields)}


class TestVersions:
    def test_a_lost_update_is_refused(self, firm):
        owner, path = firm.client(), f"{API}/email"
        read = owner.get(path).headers["etag"]
        first = owner.put(path, json={"from_name": "One"}, headers={"If-Match": read})
        assert first.status_code == 200
        late = owner.put(path, json={"from_name": "Two"}, headers={"If-Match": read})
        assert (late.status_code, late.json()["error"]["code"]) == (412, "CHANGED_MEANWHILE")
        assert late.headers["etag"] == first.headers["etag"] == owner.get(path).headers["etag"]
        assert stored(firm, "email")[0][2] == {"from_name": "One"}

    def test_a_tenant_renamed_elsewhere_is_another_version(self, firm):
        owner, path = firm.client(), f"{API}/general"
        read = owner.get(path).headers["etag"]
        firm.sql("update tenants set name = 'Other' where id = %s", str(firm.a))
        assert owner.put(path, json={"locale": "de"}, headers={"If-Match": read}).status_code == 412

    @pytest.mark.parametrize("selection", [{}, {"category": "email,preferences"}])
    def test_several_together(self, firm, selection):
        owner = firm.client()
        read = owner.get(API, params=selection).headers["etag"]
        sent = {"email": {"from_name": "One"}, "preferences": {"theme": "dark"}}
        assert owner.put(API, json=sent, headers={"If-Match": read}).status_code == 200
        assert owner.put(API, json=sent, headers={"If-Match": read}).status_code == 412


class TestSecrets:
    def test_a_secret_is_stored_sealed_and_never_shown(self, firm):
        owner, path = firm.client(), f"{API}/email"
        sent = {"smtp_host": "smtp.example.org", "username": "m", "password": "s3cret word"}
        response = owner.put(path, json=sent)
        assert response.json()["data"]["password_is_set"] is True
        kept = firm.sql("select values, secrets, secrets_changed_at from settings")[0]
        assert b"s3cret" not in bytes(kept[1])
        assert "password" not in kept[0]
        assert kept[2] is not None
        for answer in (response, owner.get(path), owner.get(API)):
            assert "s3cret" not in answer.text
        assert "s3cret" not in str(firm.sql("select before, after from events"))

    def test_it_stays_when_it_is_not_sent_and_goes_with_null(self, firm):
        owner, path = firm.client(), f"{API}/email"
        owner.put(path, json={"password": "one"})
        assert owner.put(path, json={"smtp_port": 25}).json()["data"]["password_is_set"] is True
        assert owner.put(path, json={"password": None}).json()["data"]["password_is_set"] is False
        assert firm.sql("select secrets from settings") == [(None,)]

    def test_another_password_is_another_version_and_an_event(self, firm):
        owner, path = firm.client(), f"{API}/email"
        first = owner.put(path, json={"password": "one"}).headers["etag"]
        assert owner.put(path, json={"password": "one"}).headers["etag"] == first
        assert owner.put(path, json={"password": "two"}).headers["etag"] != first
        name, before, after, _ = last_event(firm)
        assert name == "settings.email_changed"
        assert before.keys() == after.keys() == {"secrets_changed_at"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("category", "body", "field"),
        [
            ("general", {"timezone": "Mars/Olympus"}, "timezone"),
            ("general", {"name": None}, "name"),
            ("general", {"name": "a\nb"}, "name"),
            ("general", {"currency": "euro"}, "currency"),
            ("general", {"nickname": "x"}, "nickname"),
            (
                "general",
                {"businessHours": [{"day": "monday", "opens_at": "12:00", "closes_at": "11:00"}]},
                "businessHours[0].closes_at",
            ),
            ("email", {"smtp_host": "a b"}, "smtp_host"),
            ("email", {"smtp_port": 0}, "smtp_port"),
            ("email", {"from_address": "nobody"}, "from_address"),
            ("email", {"from_name": "a\r\nBcc: all@example.org"}, "from_name"),
            ("email", {"password_is_set": True}, "password_is_set"),
            ("notifications", {"muted_kinds": ["message"]}, "muted_kinds[0]"),
            ("preferences", {"start_page": "//evil.example"}, "start_page"),
            ("preferences", {"theme": "sepia"}, "theme"),
            ("security", {"password_min_length": 9}, "password_min_length"),
        ],
    )
    def test_a_wrong_value_names_its_field(self, firm, category, body, field):
        response = firm.client().put(f"{API}/{category}", json=body)
        assert response.status_code == 422
        named = response.json()["error"]["details"][0]["field"]
        assert named.replace("businessHours.0.", "businessHours[0].") == field
        assert stored(firm, category) == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"general": {"name": None}}, "general.name"),
            ({"security": {"session_longest_h": 1}}, "security.session_longest_h"),
            ({"email": {"smtp_port": False}}, "email.smtp_port"),
        ],
    )
    def test_of_several_the_category_is_named_too(self, firm, body, field):
        assert firm.client().put(f"{API}/security", json={"session_idle_h": 5}).status_code == 200
        response = firm.client().put(API, json=body)
        assert response.status_code == 422
        assert [detail["field"] for detail in response.json()["error"]["details"]] == [field]

    @pytest.mark.parametrize("body", [[], "x", {"general": 1}, {"secrets": {}}])
    def test_what_is_no_set_of_categories(self, firm, body):
        assert firm.client().put(API, json=body).status_code == 422

    def test_the_tenants_settings_need_their_permission(self, firm):
        agent, manager = firm.client("agent"), firm.client("manager")
        assert set(agent.get(API).json()["data"]) == {"notifications", "preferences"}
        for answer in (
            agent.get(f"{API}/email"),
            agent.get(f"{API}/general"),
            agent.get(API, params={"category": "email"}),
            manager.put(f"{API}/email", json={}),
            manager.put(f"{API}/general", json={"name": "Mine"}),
            manager.put(API, json={"preferences": {"theme": "dark"}, "general": {"name": "Mine"}}),
            manager.post(f"{API}/email/test"),
        ):
            assert answer.status_code == 403
            assert "settings:" in answer.json()["error"]["message"]
        assert manager.get(f"{API}/email").status_code == 200
        assert firm.sql("select count(*) from settings") == [(0,)]
        assert firm.running.client().get(API).status_code == 401

    def test_strangers_and_umbrellas_see_their_own_alone(self, firm):
        firm.client().put(f"{API}/email", json={"from_name": "One"})
        for tenant in (firm.b, firm.umbrella):
            other = firm.client(tenant=tenant)
            assert other.get(f"{API}/email").json()["data"]["from_name"] is None
            other.put(f"{API}/email", json={"from_name": "Two"})
        assert firm.client().get(f"{API}/email").json()["data"]["from_name"] == "One"
        assert {row[0] for row in stored(firm, "email")} == {firm.a, firm.b, firm.umbrella}


class TestAccount:
    PATH = "/api/v1/account/settings"

    def test_its_sections(self, firm):
        data = firm.client("technician").get(self.PATH).json()["data"]
        assert set(data) == {"general", "preferences"}
        assert data["general"]["timezone"] == "UTC"

    def test_sections_are_changed(self, firm):
        owner = firm.client()
        read = owner.get(self.PATH).headers["etag"]
        sent = {"general": {"weekStartsOn": "sunday"}, "preferences": {"theme": "dark"}}
        response = owner.patch(self.PATH, json=sent, headers={"If-Match": read})
        assert response.json()["data"]["general"]["week_starts_on"] == "sunday"
        assert response.json()["data"] == owner.get(self.PATH).json()["data"]
        assert response.headers["etag"] == owner.get(self.PATH).headers["etag"]
        assert owner.get(f"{API}/preferences").json()["data"]["theme"] == "dark"
        assert owner.patch(self.PATH, json=sent, headers={"If-Match": read}).status_code == 412

    def test_the_general_part_is_not_everybodys_to_change(self, firm):
        agent = firm.client("agent")
        assert agent.patch(self.PATH, json={"preferences": {"theme": "dark"}}).status_code == 200
        refused = agent.patch(self.PATH, json={"general": {"name": "Mine"}})
        assert refused.status_code == 403
        assert agent.patch(self.PATH, json={"email": {}}).status_code == 422

    def test_sent_twice_it_happens_once(self, firm):
        key = {"Idempotency-Key": str(uuid4())}
        owner = firm.client()
        first = owner.patch(self.PATH, json={"preferences": {"density": "compact"}}, headers=key)
        owner.put(f"{API}/preferences", json={"density": "comfortable"})
        again = owner.patch(self.PATH, json={"preferences": {"density": "compact"}}, headers=key)
        assert again.content == first.content
        assert owner.get(f"{API}/preferences").json()["data"]["density"] == "comfortable"


class TestSecurityIsObeyed:
    def log_in(self, firm) -> dict:
        sent = {"email": "agent@a.example", "password": PASSWORD}
        return firm.running.client().post("/api/v1/auth/login", json=sent).json()["data"]

    def hours_left(self, firm) -> float:
        return firm.sql(
            "select extract(epoch from expires_at - now())::float / 3600 from sessions order by created_at desc limit 1"
        )[0][0]

    def test_a_session_ends_when_the_tenant_says(self, firm):
        self.log_in(firm)
        assert self.hours_left(firm) > 300
        firm.client().put(f"{API}/security", json={"session_idle_h": 3, "session_longest_h": 5})
        refresh = self.log_in(firm)["refresh_token"]
        assert 2.9 < self.hours_left(firm) < 3.1
        firm.sql(
            "update sessions set created_at = now() - interval '4 hours' where expires_at < now() + interval '4 hours'"
        )
        renewed = firm.running.client().post("/api/v1/auth/refresh", json={"refresh_token": refresh})
        assert renewed.status_code == 200
        assert (
            0.9
            < firm.sql("select extract(epoch from min(expires_at) - now())::float / 3600 from sessions")[0][0]
            < 1.1
        )

    def test_a_new_password_is_as_long_as_the_tenant_says(self, firm):
        firm.client().put(f"{API}/security", json={"password_min_length": 20})
        sent = {"current_password": PASSWORD, "password": "a new password"}
        refused = firm.client("agent").put("/api/v1/auth/me", json=sent)
        assert refused.status_code == 422
        assert refused.json()["error"]["details"] == [
            {"field": "password", "message": "must have at least 20 characters"}
        ]
