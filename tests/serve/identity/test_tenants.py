"""Tenants: made by their umbrella, found, named anew."""

from __future__ import annotations

import doctest
from itertools import count
from uuid import UUID

import pytest

from serve.identity.tenants import rules, service
from serve.kernel.errors import Invalid

PATH = "/api/v1/tenants"
NUMBERS = count(1)


def fields(**values):
    return {
        "name": f"North {next(NUMBERS)}",
        "kind": "fleet",
        "country": "DE",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
    } | values


@pytest.fixture
def make(firm):
    """A child of ``b``."""

    def make(**values):
        answer = firm.client("owner", firm.b).post(PATH, json=fields(**values))
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    return make


def test_examples_in_the_words_are_true():
    assert doctest.testmod(rules).failed == 0


class TestMaking:
    def test_a_child_has_an_owner_and_what_its_country_suggests(self, firm, make):
        child = make(name="Été & Fils", country="FR", timezone="Europe/Paris")
        assert (child["slug"], child["parent_id"], child["state"]) == ("ete-fils", str(firm.b), "active")
        owner = firm.people[firm.b, "owner"]
        assert firm.sql("select user_id, role from memberships where tenant_id = %s", child["id"]) == [
            (owner, "owner")
        ]
        [(values,)] = firm.sql(
            "select values from settings where tenant_id = %s and category = 'general'", child["id"]
        )
        assert values == {"locale": "fr-FR", "week_starts_on": "monday"}
        [(name, _, after)] = firm.events(child["id"])
        assert (name, after["slug"]) == ("tenant.created", "ete-fils")

    def test_its_owner_works_for_it_after_a_switch(self, firm, make):
        child = make()
        session = firm.running.client().post(
            "/api/v1/auth/login", json={"email": "owner@b.example", "password": "a password of ours"}
        )
        switched = firm.running.client().post(
            "/api/v1/auth/refresh",
            json={"refresh_token": session.json()["data"]["refresh_token"], "tenant": child["slug"]},
        )
        token = switched.json()["data"]["access_token"]
        client = firm.running.client(Authorization=f"Bearer {token}")
        general = client.get("/api/v1/settings/general").json()["data"]
        assert (general["name"], general["locale"]) == (child["name"], "de-DE")
        assert client.get(PATH).json()["meta"]["total"] == 1

    def test_a_child_has_no_children(self, firm):
        answer = firm.client("owner", firm.a).post(PATH, json=fields())
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_UMBRELLA")

    def test_the_database_refuses_a_child_of_somebody_else(self, firm):
        async def steal():
            database = firm.running.app.state.database
            async with database.transaction() as db:
                await service.onboard(db, **fields(), owner_user_id=None, parent_id=firm.b)

        with pytest.raises(Invalid) as refused:
            firm.running.wait_for(steal())
        assert refused.value.details == [("parent_id", "is not an allowed value")]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("slug", "admin"),
            ("slug", "Has Spaces"),
            ("slug", "a--b"),
            ("slug", "x"),
            ("country", "XX"),
            ("timezone", "Europe/Atlantis"),
            ("currency", "DEM"),
            ("kind", "source"),
            ("name", ""),
        ],
    )
    def test_what_is_no_such_thing_is_named(self, firm, field, value):
        answer = firm.client("owner", firm.b).post(PATH, json=fields(**{field: value}))
        assert answer.status_code == 422
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]

    def test_a_slug_is_had_once(self, firm, make):
        slug = make(slug="only-one")["slug"]
        again = firm.client("owner", firm.b).post(PATH, json=fields(slug=slug))
        assert again.status_code == 409
        assert again.json()["error"]["details"][0]["field"] == "slug"
        assert make(name="Only One")["slug"] == "only-one-2"

    def test_keys_make_no_tenants(self, firm):
        client = firm.client("owner", firm.b)
        scopes = {"name": "k", "scopes": ["tenants:read", "tenants:write"]}
        key = client.post("/api/v1/auth/api-keys", json=scopes).json()["data"]["key"]
        by_key = firm.running.client(**{"X-API-Key": key})
        assert by_key.get(PATH).status_code == 200
        assert by_key.post(PATH, json=fields()).status_code == 403

    def test_sign_up_makes_one_of_nobodys(self, firm):
        async def sign_up() -> UUID:
            async with firm.running.app.state.database.transaction() as db:
                owner = firm.people[firm.a, "agent"]
                return await service.onboard(db, **fields(name="A firm of its own"), owner_user_id=owner)

        tenant_id = firm.running.wait_for(sign_up())
        assert firm.sql("select slug, parent_id from tenants where id = %s", tenant_id) == [
            ("a-firm-of-its-own", None)
        ]


class TestFinding:
    def test_the_own_tenant_and_its_children_and_nobody_else(self, firm, make):
        child = make()
        client = firm.client("admin", firm.b)
        found = {row["id"] for row in client.get(PATH, params={"per_page": 1000}).json()["data"]}
        assert {str(firm.b), child["id"]} <= found
        assert str(firm.a) not in found
        assert client.get(f"{PATH}/{child['id']}").status_code == 200
        assert client.get(f"{PATH}/{firm.a}").status_code == 404
        assert firm.client("admin", firm.a).get(f"{PATH}/{firm.umbrella}").status_code == 404

    def test_filters_and_order(self, firm, make):
        child = make(name="Zebra 100% south", country="AT", timezone="Europe/Vienna")
        client = firm.client("admin", firm.b)

        def names(**asked):
            return [row["name"] for row in client.get(PATH, params=asked).json()["data"]]

        assert names(search="100% s") == names(country="AT") == names(is_child=True, search="ZEBRA")
        assert names(country="AT") == [child["name"]]
        assert names(is_child=False) == ["B"]
        assert names(state="closed,closing") == []
        assert names(sort="country,name", per_page=1) == [child["name"]]
        assert client.get(PATH, params={"sort": "secret"}).status_code == 422


class TestChanging:
    def test_the_version_counts(self, firm):
        client = firm.client("admin", firm.umbrella)
        url = f"{PATH}/{firm.umbrella}"
        etag = client.get(url).headers["etag"]
        changed = client.patch(url, json={"name": "Parasol"}, headers={"If-Match": etag})
        assert changed.json()["data"]["name"] == "Parasol"
        lost = client.patch(url, json={"name": "Sunshade"}, headers={"If-Match": etag})
        assert lost.status_code == 412
        assert firm.sql("select name from tenants where id = %s", firm.umbrella) == [("Parasol",)]
        assert firm.events(firm.umbrella)[-1] == (
            "tenant.updated",
            {"name": "Umbrella"},
            {"name": "Parasol"},
        )

    def test_an_umbrella_changes_no_child(self, firm, make):
        child = make()
        answer = firm.client("owner", firm.b).patch(f"{PATH}/{child['id']}", json={"name": "Mine"})
        assert answer.status_code == 404
        assert firm.sql("select name from tenants where id = %s", child["id"]) == [(child["name"],)]

    def test_a_slug_given_up_is_kept_for_ninety_days(self, firm):
        ours, theirs = firm.client("owner", firm.umbrella), firm.client("owner", firm.b)
        url, others = f"{PATH}/{firm.umbrella}", f"{PATH}/{firm.b}"
        assert ours.patch(url, json={"slug": "first-name"}).status_code == 200
        assert ours.patch(url, json={"slug": "second-name"}).status_code == 200
        refused = theirs.patch(others, json={"slug": "first-name"})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (409, "slug")
        assert ours.patch(url, json={"slug": "first-name"}).status_code == 200  # its own it may have back
        assert ours.patch(url, json={"slug": "second-name"}).status_code == 200
        firm.sql("update tenant_slugs set retired_at = now() - interval '91 days' where slug = 'first-name'")
        assert theirs.patch(others, json={"slug": "first-name"}).status_code == 200
