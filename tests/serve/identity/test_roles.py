"""Roles of a tenant's own: nobody gives more than they have, and what changes counts at once."""

from __future__ import annotations

from uuid import uuid4

import pytest

from serve.identity.roles.catalogue import MEANING
from serve.identity.roles.rules import MoreThanYours, OwnersAlone, check_grant
from serve.kernel.caller import Caller
from serve.kernel.permissions import _EVERYTHING, permissions_of
from tests.serve.identity.conftest import AUTH, code

ROLES = "/api/v1/roles"


def slug() -> str:
    return f"r{uuid4().hex[:12]}"


def make(client, *permissions, **more):
    body = {"slug": slug(), "name": "Dispatcher", "permissions": list(permissions), **more}
    response = client.post(ROLES, json=body)
    assert response.status_code == 201, response.text
    return response.json()["data"]


def caller_of(role: str) -> Caller:
    ids = {"user_id": uuid4(), "tenant_id": uuid4()}
    return Caller(
        email="",
        role=role,
        permissions=permissions_of(role),
        tenant_ids=(),
        token_id="",
        expires_at_s=0,
        **ids,
    )


class TestRules:
    def test_every_permission_has_a_meaning(self):
        assert MEANING.keys() == _EVERYTHING

    def test_only_an_owner_makes_owners(self):
        check_grant(caller_of("owner"), "owner", permissions_of("owner"))
        with pytest.raises(OwnersAlone):
            check_grant(caller_of("admin"), "owner", permissions_of("owner"))
        check_grant(caller_of("admin"), "admin", permissions_of("admin"))

    def test_nobody_gives_more_than_they_have(self):
        with pytest.raises(MoreThanYours):
            check_grant(caller_of("manager"), "admin", permissions_of("admin"))

    @pytest.mark.parametrize("only", ["mobile", "customer", "enrolment", "impersonation"])
    def test_a_limited_token_may_less_than_its_person(self, only):
        assert permissions_of("owner", only=only) < permissions_of("owner")

    def test_an_unknown_limit_allows_nothing(self):
        assert permissions_of("owner", only="something") == frozenset()


class TestOverHttp:
    def test_from_making_to_use(self, firm, somebody):
        owner = firm.client()
        role = make(owner, "contacts:read", "self:read")
        person = somebody(a=role["slug"])
        client = person.client()
        assert client.get(f"{AUTH}/me").json()["data"]["permissions"] == ["contacts:read", "self:read"]
        assert client.get("/api/v1/vehicles").status_code == 403
        changed = {"name": "Dispatcher", "permissions": ["vehicles:read"]}
        assert owner.put(f"{ROLES}/{role['id']}", json=changed).status_code == 200
        assert code(client.get("/api/v1/contacts")) == (401, "TOKEN_STALE")  # at once: nobody had to look
        assert person.client().get("/api/v1/vehicles").status_code == 200

    def test_a_role_in_use_stays(self, firm, somebody):
        owner = firm.client()
        role = make(owner, "contacts:read")
        person = somebody(a=role["slug"])
        assert code(owner.delete(f"{ROLES}/{role['id']}")) == (409, "ROLE_IN_USE")
        firm.sql("delete from memberships where user_id = %s", person.id)
        assert owner.delete(f"{ROLES}/{role['id']}").status_code == 200
        assert owner.get(f"{ROLES}/{role['id']}").status_code == 404

    @pytest.mark.parametrize(
        ("written", "refused"),
        [
            ({"slug": "admin"}, (409, "BUILT_IN_ROLE")),
            ({"permissions": ["contacts:fly"]}, (422, "INVALID")),
            ({"slug": "No Slug"}, (422, "INVALID")),
        ],
    )
    def test_what_is_no_role(self, firm, written, refused):
        body = {"slug": slug(), "name": "R", "permissions": [], **written}
        assert code(firm.client().post(ROLES, json=body)) == refused

    def test_nobody_makes_a_role_that_may_more_than_they(self, firm, somebody):
        maker = make(firm.client(), "roles:read", "roles:write", "contacts:read")
        client = somebody(a=maker["slug"]).client()
        body = {"slug": slug(), "name": "R", "permissions": ["contacts:read", "users:write"]}
        refused = client.post(ROLES, json=body)
        assert code(refused) == (403, "MORE_THAN_YOURS")
        assert refused.json()["error"]["details"][0]["field"] == "permissions[1]"
        own = firm.sql("select id, slug from roles where slug = %s", maker["slug"])[0]
        wider = {"name": "R", "permissions": ["users:write"]}
        assert code(client.put(f"{ROLES}/{own[0]}", json=wider)) == (403, "MORE_THAN_YOURS")

    def test_a_role_above_ones_own_is_left_alone(self, firm, somebody):
        maker = make(firm.client(), "roles:read", "roles:write", "contacts:read")
        above = make(firm.client(), "contacts:read", "users:write")
        client = somebody(a=maker["slug"]).client()
        less = {"name": "R", "permissions": ["contacts:read"]}
        assert code(client.put(f"{ROLES}/{above['id']}", json=less)) == (403, "MORE_THAN_YOURS")
        assert code(client.delete(f"{ROLES}/{above['id']}")) == (403, "MORE_THAN_YOURS")
        kept = firm.client().get(f"{ROLES}/{above['id']}").json()["data"]
        assert kept["permissions"] == ["contacts:read", "users:write"]
        assert firm.client().delete(f"{ROLES}/{above['id']}").status_code == 200

    def test_the_catalogue_says_who_has_what(self, firm):
        role = make(firm.client(), "contacts:read")
        told = firm.client().get(f"{ROLES}/catalogue").json()["data"]
        [contacts] = [each for each in told["permissions"] if each["name"] == "contacts:read"]
        assert role["slug"] in contacts["roles"]
        assert "technician" not in contacts["roles"]
        strangers = firm.client(tenant=firm.b).get(f"{ROLES}/catalogue").json()["data"]
        assert role["slug"] not in str(strangers)
