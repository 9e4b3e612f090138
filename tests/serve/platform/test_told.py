"""Who is told of an event: rules, each person's own settings, and once each."""

from __future__ import annotations

import pytest

from serve.kernel.permissions import ROLES
from serve.platform.notifications.rules import RULES, news, rose_to
from tests.serve.firm import VAN

API = "/api/v1/notifications"


@pytest.fixture(autouse=True)
def _clean(firm):
    yield
    firm.deliver()
    firm.sql("delete from notifications")
    firm.sql("delete from settings")


def make_van(firm, registration: str, role: str = "owner") -> dict:
    made = firm.client(role).post("/api/v1/vehicles", json=VAN | {"registration": registration})
    assert made.status_code == 201
    return made.json()["data"]


def told(firm, kind: str = "vehicle") -> dict[str, list[str]]:
    """Titles by the role of who was told."""
    found: dict[str, list[str]] = {}
    role_of = {user_id: role for (_, role), user_id in firm.people.items()}
    for user_id, title in firm.sql(
        "select user_id, title from notifications where kind = %s order by created_at, id", kind
    ):
        found.setdefault(role_of[user_id], []).append(title)
    return found


class TestRules:
    def test_those_of_the_roles_are_told_and_not_who_did_it(self, firm):
        van = make_van(firm, "T-1")
        firm.deliver()
        assert told(firm) == {role: ["Vehicle T-1 was added"] for role in ("admin", "manager", "technician")}
        data = firm.client("technician").get(API).json()["data"][0]
        assert (data["entity_type"], data["entity_id"], data["is_read"]) == ("vehicle", van["id"], False)
        event = firm.sql("select id from events where entity_id = %s", van["id"])
        assert data["event_id"] == str(event[0][0])
        assert {row[0] for row in firm.sql("select tenant_id from notifications")} == {firm.a}

    def test_a_rule_looks_at_what_changed(self, firm):
        van = make_van(firm, "T-2")
        path = f"/api/v1/vehicles/{van['id']}"
        firm.client().patch(path, json={"odometer_km": 5})
        firm.client().patch(path, json={"status": "workshop"})
        firm.client().patch(path, json={"status": "retired"})
        firm.deliver()
        assert told(firm)["technician"] == ["Vehicle T-2 was added", "A vehicle went into the workshop"]
        assert told(firm)["manager"][1:] == ["A vehicle went into the workshop", "A vehicle was retired"]

    def test_an_event_tells_each_person_once(self, firm):
        make_van(firm, "T-3")
        firm.deliver()
        firm.deliver()
        # As after a crash between telling and remembering the place, or with a second reader.
        firm.sql("update event_readers set after_xid = 0, after_position = 0 where name = 'notifications'")
        firm.deliver()
        assert [titles.count("Vehicle T-3 was added") for titles in told(firm).values()] == [1, 1, 1]

    def test_one_request_with_many_rows_is_told_of_once(self, firm):
        rows = [{"full_name": f"Person {number}"} for number in range(30)]
        assert firm.client().post("/api/v1/contacts/bulk", json={"rows": rows}).status_code == 200
        firm.deliver()
        assert told(firm, "contact")["agent"] == ["A new contact was added (and 29 more)"]

    def test_settings_and_keys_are_told_of(self, firm):
        firm.client().put("/api/v1/settings/general", json={"locale": "de"})
        firm.deliver()
        assert told(firm, "settings") == {"admin": ["The general settings were changed"]}

    def test_a_person_is_told_of_what_happens_to_the_own_account(self, firm):
        agent = firm.people[firm.a, "agent"]
        firm.sql("select record_security_event(%s, null, 'password.changed', '{}', '')", agent)
        firm.deliver()
        assert told(firm, "security") == {"agent": ["Your password was changed"]}

    def test_titles_hold_no_personal_values(self, firm):
        firm.client().post("/api/v1/contacts", json={"full_name": "Ada Byron"})
        firm.client().post("/api/v1/accounts", json={"name": "Secret GmbH", "country": "DE"})
        firm.deliver()
        found = str(firm.sql("select title, body from notifications"))
        assert "added" in found
        assert "Ada" not in found
        assert "Secret" not in found


class TestOwnSettings:
    def wish(self, firm, role: str = "technician", **settings: object) -> None:
        assert firm.client(role).put("/api/v1/settings/notifications", json=settings).status_code == 200

    @pytest.mark.parametrize("settings", [{"is_on": False}, {"muted_kinds": ["vehicle"]}, {"is_quiet": True}])
    def test_who_does_not_want_to_be_told_is_not(self, firm, settings):
        self.wish(firm, **settings)
        make_van(firm, f"S-{next(iter(settings))}")
        firm.deliver()
        assert set(told(firm)) == {"admin", "manager"}

    def test_another_kind_muted_changes_nothing(self, firm):
        self.wish(firm, muted_kinds=["contact"])
        make_van(firm, "S-2")
        firm.deliver()
        assert "technician" in told(firm)

    def test_quiet_lets_urgent_ones_through(self, firm):
        self.wish(firm, is_quiet=True)
        technician = firm.people[firm.a, "technician"]
        firm.sql("select record_security_event(%s, null, 'password.changed', '{}', '')", technician)
        firm.deliver()
        assert set(told(firm, "security")) == {"technician"}

    def test_own_actions_when_asked_for(self, firm):
        self.wish(firm, own_actions=True)
        make_van(firm, "S-3", role="technician")
        firm.deliver()
        assert set(told(firm)) == {"owner", "admin", "manager", "technician"}

    def test_people_who_left_are_not_told(self, firm):
        technician = firm.people[firm.a, "technician"]
        firm.sql("update users set is_active = false where id = %s", technician)
        try:
            make_van(firm, "S-4")
            firm.deliver()
            assert set(told(firm)) == {"admin", "manager"}
        finally:
            firm.sql("update users set is_active = true where id = %s", technician)

    def test_what_an_own_key_does_is_ones_own(self, firm):
        owner = firm.people[firm.a, "owner"]
        key = firm.sql(
            "insert into api_keys (tenant_id, user_id, name, prefix, scopes)"
            " values (%s, %s, 'k', 'k', '[]') returning id",
            *(firm.a, owner),
        )[0][0]
        firm.sql(
            "insert into events (tenant_id, name, entity_type, actor_kind, actor_id)"
            " values (%s, 'vehicle.deleted', 'vehicle', 'api_key', %s)",
            *(firm.a, key),
        )
        firm.deliver()
        assert set(told(firm)) == {"admin", "manager"}


class TestTable:
    def test_every_role_in_it_exists(self):
        assert {role for rule in RULES for role in rule.roles} <= ROLES.keys()
        assert all(rule.roles or rule.about or rule.to for rule in RULES)

    @pytest.mark.parametrize(
        ("before", "after", "rises"),
        [(None, 0.8, True), (0.79, 0.9, True), (0.8, 0.9, False), (0.9, 0.7, False), (0.1, None, False)],
    )
    def test_a_score_is_told_of_when_it_rises_to_a_level(self, before, after, rises):
        event = {"before": before and {"s": before}, "after": after and {"s": after}}
        assert rose_to("s", 0.8)(event) is rises

    def test_requests_and_people_are_kept_apart(self):
        def event(number: int, request: str | None, actor: str = "x") -> dict:
            base = {"id": number, "name": "contact.created", "tenant_id": "t", "before": None, "after": {}}
            return base | {"request_id": request, "actor_id": actor}

        batch = [event(1, "r"), event(2, "r"), event(3, "r", "y"), event(4, None), event(5, None)]
        assert [(found["id"], more) for _, found, more in news(batch)] == [(1, 1), (3, 0), (4, 0), (5, 0)]
