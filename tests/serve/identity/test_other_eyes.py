"""Elevation and impersonation: for a while, with a reason, told to those concerned, on record under one's own name."""

from __future__ import annotations

import pytest

from tests.serve.firm import VAN
from tests.serve.identity.conftest import AUTH, code

ELEVATION = f"{AUTH}/elevation"
WHY = {"reason": "The owner cannot be reached and a key has leaked."}


@pytest.fixture
def raised_roles(firm):
    """The company lets managers be raised."""
    firm.client().put("/api/v1/settings/security", json={"elevation_roles": ["manager"]})
    yield
    firm.client().put("/api/v1/settings/security", json={"elevation_roles": []})


@pytest.fixture
def manager(firm, somebody):
    """With a second factor shown in the session."""
    person = somebody(a="manager")
    session = person.log_in()
    firm.sql("update sessions set methods = '{password,totp}' where user_id = %s", person.id)
    return person, renewed(firm, session)


def renewed(firm, session):
    refresh = {"refresh_token": session["refresh_token"]}
    return firm.running.client().post(f"{AUTH}/refresh", json=refresh).json()["data"]


class TestElevation:
    def test_more_power_on_record_and_its_end(self, firm, manager, raised_roles):
        person, session = manager
        client = person.client(session)
        assert client.get("/api/v1/audit/logs").status_code == 403
        raised = client.post(ELEVATION, json=WHY | {"minutes": 5})
        assert raised.status_code == 200, raised.text
        assert raised.json()["data"]["expires_in_s"] <= 300
        admin = person.client(raised.json()["data"])
        assert admin.get("/api/v1/audit/logs").status_code == 200
        van = admin.post("/api/v1/vehicles", json=VAN | {"registration": f"EL {person.id.hex[:6]}"}).json()[
            "data"
        ]
        [(elevation_id,)] = firm.sql("select id from elevations where user_id = %s", person.id)
        assert firm.sql("select actor_id, cause_id from events where entity_id = %s", van["id"]) == [
            (person.id, elevation_id)
        ]
        kept = renewed(firm, session)
        assert person.client(kept).get("/api/v1/audit/logs").status_code == 200  # the session has it

        lowered = admin.delete(ELEVATION)
        assert lowered.status_code == 200
        assert code(admin.get("/api/v1/audit/logs")) == (401, "TOKEN_STALE")
        assert person.client(lowered.json()["data"]).get("/api/v1/audit/logs").status_code == 403
        told = [name for name, *_ in person.security() if name.startswith("elevation")]
        assert told == ["elevation.began", "elevation.ended"]

    def test_those_who_guard_are_told(self, firm, manager, raised_roles):
        person, session = manager
        person.client(session).post(ELEVATION, json=WHY)
        firm.deliver()
        told = firm.client("owner").get("/api/v1/notifications", params={"priority": "urgent"}).json()["data"]
        assert "Somebody raised their role for a while" in [each["title"] for each in told]

    def test_it_ends_by_itself(self, firm, manager, raised_roles):
        person, session = manager
        person.client(session).post(ELEVATION, json=WHY)
        firm.sql("update elevations set ends_at = now() where user_id = %s", person.id)
        assert person.client(renewed(firm, session)).get("/api/v1/audit/logs").status_code == 403

    def test_where_the_company_does_not_allow_it(self, manager):
        person, session = manager
        assert code(person.client(session).post(ELEVATION, json=WHY)) == (403, "ELEVATION_NOT_ALLOWED")

    def test_a_password_alone_is_not_enough(self, somebody, raised_roles):
        client = somebody(a="manager").client()
        assert code(client.post(ELEVATION, json=WHY)) == (403, "ELEVATION_NEEDS_SECOND_FACTOR")

    def test_a_session_that_is_open_for_long_must_prove_itself_again(self, firm, manager, raised_roles):
        person, session = manager
        firm.sql(
            "update sessions set authenticated_at = now() - interval '16 min' where user_id = %s", person.id
        )
        client = person.client(renewed(firm, session))
        assert code(client.post(ELEVATION, json=WHY)) == (401, "STEP_UP_NEEDED")

    def test_who_is_as_high_as_it_gets(self, firm, somebody, raised_roles):
        assert code(firm.client("owner").post(ELEVATION, json=WHY)) == (409, "ALREADY_ELEVATED")
        assert code(somebody(a="manager").client().delete(ELEVATION)) == (409, "NOT_ELEVATED")

    def test_a_new_role_meanwhile_ends_it(self, firm, manager, raised_roles):
        person, session = manager
        person.client(session).post(ELEVATION, json=WHY)
        firm.sql("update memberships set role = 'viewer' where user_id = %s", person.id)
        assert person.client(renewed(firm, session)).get("/api/v1/audit/logs").status_code == 403


class TestImpersonation:
    def begin(self, firm, person, role="owner", **more):
        path = f"/api/v1/admin/users/{person.id}/impersonate"
        return firm.client(role).post(path, json={"reason": "You told us that a list is empty.", **more})

    def test_what_they_see_under_ones_own_name(self, firm, somebody):
        person = somebody(a="technician")
        firm.account_mails()
        answer = self.begin(firm, person)
        assert answer.status_code == 201
        assert "set-cookie" not in answer.headers  # one's own session stays
        data = answer.json()["data"]
        eyes = person.client(data)
        me = eyes.get(f"{AUTH}/me").json()["data"]
        admin_id = firm.people[firm.a, "owner"]
        assert (me["user"]["id"], me["session"]["impersonator_id"]) == (str(person.id), str(admin_id))
        assert eyes.get("/api/v1/contacts").status_code == 403
        van = eyes.post("/api/v1/vehicles", json=VAN | {"registration": f"IM {person.id.hex[:6]}"}).json()[
            "data"
        ]
        [(row_id,)] = firm.sql("select id from impersonations where user_id = %s", person.id)
        assert firm.sql("select actor_id, cause_id from events where entity_id = %s", van["id"]) == [
            (admin_id, row_id)
        ]
        [mail] = firm.account_mails()
        assert (mail.kind, mail.to_address) == ("impersonated", person.email)
        assert "You told us that a list is empty." in mail.text
        [(actor,)] = firm.sql(
            "select actor_id from events where entity_id = %s and name = 'impersonation.began'", person.id
        )
        assert actor == admin_id
        listed = firm.client().get("/api/v1/admin/impersonations").json()["data"]
        assert str(row_id) in [each["id"] for each in listed]

    def test_nothing_that_would_outlast_it(self, firm, somebody):
        person = somebody(a="admin")
        eyes = person.client(self.begin(firm, person).json()["data"])
        assert code(eyes.post(f"{AUTH}/api-keys", json={"name": "k", "scopes": ["self:read"]})) == (
            403,
            "LIMITED_TOKEN",
        )
        assert code(eyes.put(f"{AUTH}/me", json={"full_name": "Other"})) == (403, "LIMITED_TOKEN")
        role = {"slug": "lasting", "name": "L", "permissions": []}
        assert eyes.post("/api/v1/roles", json=role).status_code == 403
        assert eyes.post("/api/v1/schedules", json={}).status_code in (403, 422)
        other = somebody(a="viewer")
        path = f"/api/v1/admin/users/{other.id}/impersonate"
        assert eyes.post(path, json={"reason": "one after the other"}).status_code == 403

    @pytest.mark.parametrize("ender", ["who looks", "an administrator"])
    def test_its_end(self, firm, somebody, ender):
        person = somebody(a="viewer")
        eyes = person.client(self.begin(firm, person).json()["data"])
        [(row_id,)] = firm.sql("select id from impersonations where user_id = %s", person.id)
        client = eyes if ender == "who looks" else firm.client("admin")
        assert client.delete(f"/api/v1/admin/impersonations/{row_id}").status_code == 200
        assert eyes.get(f"{AUTH}/me").status_code == 401
        again = firm.client("admin").delete(f"/api/v1/admin/impersonations/{row_id}")
        assert code(again) == (409, "IMPERSONATION_OVER")

    def test_it_ends_by_itself_and_with_who_looks(self, firm, somebody):
        person, admin = somebody(a="viewer"), somebody(a="admin")
        path = f"/api/v1/admin/users/{person.id}/impersonate"
        for end in (
            "update impersonations set ends_at = now() where user_id = %s",
            "update memberships set state = 'suspended' where user_id = %s",
        ):
            session = admin.client().post(path, json={"reason": "looking after something"}).json()["data"]
            firm.sql(end, admin.id if "memberships" in end else person.id)
            refresh = {"refresh_token": session["refresh_token"]}
            assert firm.running.client().post(f"{AUTH}/refresh", json=refresh).status_code == 401
        firm.running.wait_for(firm.running.app.state.revocations.look())
        assert person.client(session).get(f"{AUTH}/me").status_code == 401

    def test_nobody_looks_with_the_eyes_of_who_may_more(self, firm, somebody):
        owner = somebody(a="owner")
        assert code(self.begin(firm, owner, role="admin")) == (403, "MAY_MORE_THAN_YOU")
        assert code(self.begin(firm, owner, role="manager"))[0] == 403

    def test_strangers_and_oneself(self, firm, somebody):
        assert code(self.begin(firm, somebody(b="viewer"))) == (404, "USER_NOT_FOUND")
        path = f"/api/v1/admin/users/{firm.people[firm.a, 'owner']}/impersonate"
        answer = firm.client().post(path, json={"reason": "looking at myself"})
        assert code(answer) == (409, "NOT_ONESELF")
