"""A tenant sets up its own connections and proves its own domains; nobody else sees or touches them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import dns.rcode
import httpx
import pytest

from tests.serve.identity.conftest import code
from tests.serve.identity.sso.houses import AUTH, SSO, browser, oidc_house, prove, said, saml_house

SECRET = "a secret that nobody is shown"


def body(name: str | None = None, **configuration: object) -> dict[str, object]:
    known = {"issuer": "https://login.example.com", "clientId": "throughline", "clientSecret": SECRET}
    return {
        "ssoProvider": "oidc",
        "name": name or f"House {uuid4().hex[:8]}",
        "configuration": known | configuration,
        "userMapping": {"defaultRole": "viewer"},
    }


def plainly(field: str) -> str:
    """However it was written: ``clientId`` is ``client_id``."""
    return field.replace("_", "").lower()


@pytest.fixture(scope="module")
def owner(firm) -> httpx.Client:
    return firm.client()


class TestSettingUp:
    def test_the_secret_is_kept_and_never_shown(self, firm, owner):
        response = owner.post(SSO, json=body())
        assert response.status_code == 201
        made = response.json()["data"]
        assert made["configuration"]["client_secret_is_set"]
        here = "http://localhost:8000/api/v1/auth/sso/oidc"
        assert made["addresses"]["redirect_uri"] == f"{here}/{made['id']}/callback"
        [(sealed, row)] = firm.sql(
            "select secret, to_jsonb(c) - 'secret' from sso_connections c where id = %s", made["id"]
        )
        assert SECRET.encode() not in bytes(sealed)
        opened = firm.running.app.state.database.vault.open(bytes(sealed))
        assert opened == SECRET.encode()
        shown = [owner.get(f"{SSO}/connections").text, owner.get(f"{SSO}/connections/{made['id']}").text]
        assert not any(
            SECRET in each for each in (response.text, str(row), str(firm.events(made["id"])), *shown)
        )
        assert [name for name, *_ in firm.events(made["id"])] == ["sso_connection.created"]

    def test_the_same_name_takes_its_place(self, firm, owner):
        first = said(owner.post(SSO, json=body("Main")))
        again = owner.post(SSO, json=body("Main", clientId="other"))
        assert (again.status_code, again.json()["data"]["id"]) == (200, first["id"])
        assert again.json()["data"]["configuration"]["client_id"] == "other"
        assert firm.events(first["id"])[-1][0] == "sso_connection.updated"

    def test_a_change_leaves_the_rest(self, owner):
        made = said(owner.post(SSO, json=body()))
        path = f"{SSO}/connections/{made['id']}"
        changed = said(owner.patch(path, json={"configuration": {"scopes": ["openid", "groups"]}}))
        assert changed["configuration"]["scopes"] == ["openid", "groups"]
        assert changed["configuration"]["client_secret_is_set"]
        assert changed["user_mapping"] == made["user_mapping"]
        etag = owner.get(path).headers["etag"]
        said(owner.patch(path, json={"name": f"N{uuid4().hex}"}, headers={"If-Match": etag}))
        refused = owner.patch(path, json={"name": "late"}, headers={"If-Match": etag})
        assert code(refused) == (412, "CHANGED_MEANWHILE")

    def test_the_secret_goes_with_its_provider(self, owner):
        """Else whoever may change the connection could have it sent to themselves."""
        made = said(owner.post(SSO, json=body("Moves")))
        moved = said(
            owner.post(SSO, json=body("Moves", issuer="https://evil.example.com", clientSecret=None))
        )
        assert moved["id"] == made["id"]
        assert not moved["configuration"]["client_secret_is_set"]

    @pytest.mark.parametrize(
        ("provider", "configuration", "fields"),
        [
            ("oidc", {"issuer": None}, {"configuration.issuer"}),
            ("oidc", {"issuer": None, "clientId": None}, {"configuration.issuer", "configuration.client_id"}),
            ("oidc", {"issuer": "ftp://login.example.com"}, {"configuration.issuer"}),
            *(
                ("oidc", {"issuer": odd}, {"configuration.issuer"})
                for odd in (
                    "https://[bad",
                    "https://x:port/",
                    "https:///x",
                    "https://me@x.example",
                    "https://ä.de",
                )
            ),
            ("oidc", {"clientSecret": "ä" * 10}, {"configuration.clientSecret"}),
            ("oidc", {"scopes": ["a b"]}, {"configuration.scopes[0]"}),
            ("oidc", {"clientAuth": "private_key_jwt"}, {"configuration.clientAuth"}),
            ("oidc", {"password": "x"}, {"configuration.password"}),
            ("saml", {}, {"configuration.entity_id", "configuration.sso_url", "configuration.certificates"}),
            ("saml", {"certificates": ["x" * 100]}, None),
            ("ldap", {}, {"ssoProvider"}),
        ],
    )
    def test_what_is_wrong_is_named(self, owner, provider, configuration, fields):
        refused = owner.post(SSO, json=body(**configuration) | {"ssoProvider": provider})
        assert code(refused) == (422, "INVALID")
        named = {plainly(detail["field"]) for detail in refused.json()["error"]["details"]}
        assert fields is None or named == {plainly(field) for field in fields}

    def test_without_https_only_in_private_networks(self, firm, owner):
        sso = firm.running.app.state.sso
        sso.plain_too = False
        try:
            refused = owner.post(SSO, json=body(issuer="http://login.example.com"))
        finally:
            sso.plain_too = True
        assert refused.json()["error"]["details"][0]["field"] == "configuration.issuer"

    @pytest.mark.parametrize("role", ["manager", "agent", "technician", "viewer", "customer", "provider"])
    def test_who_may_not(self, firm, owner, role):
        made = said(owner.post(SSO, json=body()))
        client = firm.client(role)
        for answer in (
            client.post(SSO, json=body()),
            client.get(f"{SSO}/connections"),
            client.delete(f"{SSO}/connections/{made['id']}"),
        ):
            assert answer.status_code == 403

    def test_an_umbrella_has_no_part_in_it(self, firm, owner):
        made = said(owner.post(SSO, json=body()))
        umbrella = firm.client("owner", firm.umbrella)
        assert umbrella.get(f"{SSO}/connections/{made['id']}").status_code == 404
        assert made["id"] not in umbrella.get(f"{SSO}/connections", params={"per_page": 1000}).text

    def test_taken_away_with_all_that_hangs_on_it(self, firm, names, owner, provider):
        house = oidc_house(firm, names, provider)
        assert owner.delete(f"{SSO}/connections/{house.id}").status_code == 200
        left = firm.sql("select count(*) from sso_domains where connection_id = %s", house.id)
        assert left == [(0,)]
        assert firm.events(house.id)[-1][0] == "sso_connection.removed"
        assert code(browser(firm).get(house.start)) == (404, "SSO_CONNECTION_NOT_FOUND")

    def test_off_and_on(self, firm, owner):
        made = said(owner.post(SSO, json=body()))
        for word, is_enabled in (("disable", False), ("disable", False), ("enable", True)):
            assert said(owner.post(f"{SSO}/connections/{made['id']}/{word}"))["is_enabled"] is is_enabled
        names = [name for name, *_ in firm.events(made["id"])]
        assert names == ["sso_connection.created", "sso_connection.disabled", "sso_connection.enabled"]


class TestTryingOut:
    def test_a_sound_one(self, firm, names, owner, provider):
        provider.plan()
        house = oidc_house(firm, names, provider)
        tested = said(owner.post(f"{SSO}/connections/{house.id}/test"))
        assert tested["is_sound"], tested
        assert {each["check"] for each in tested["findings"]} == {
            "discovery",
            "keys",
            "client",
            "domains",
            "roles",
        }
        shown = said(owner.get(f"{SSO}/connections/{house.id}"))
        assert shown["is_sound"]
        assert shown["tested_at"]

    def test_what_is_wrong_is_said(self, owner, provider):
        provider.plan(discovery={"issuer": "https://somebody.else"})
        configuration = {"issuer": provider.issuer, "clientSecret": None}
        made = said(owner.post(SSO, json=body(**configuration)))
        tested = said(owner.post(f"{SSO}/connections/{made['id']}/test"))
        wrong = {each["check"] for each in tested["findings"] if not each["is_right"]}
        assert wrong == {"discovery", "client", "domains"}
        assert not tested["is_sound"]
        provider.plan()

    def test_an_address_that_is_none(self, firm, names, owner, idp):
        """One that was kept before addresses were looked at closely: said by the test, and no failure of ours."""
        house = saml_house(firm, names, idp)
        tested = said(owner.post(f"{SSO}/connections/{house.id}/test"))
        assert tested["is_sound"]
        firm.sql(
            """update sso_connections set configuration = configuration || '{"sso_url": "https://x:port/"}'"""
            " where id = %s",
            house.id,
        )
        tested = said(owner.post(f"{SSO}/connections/{house.id}/test"))
        assert [each["check"] for each in tested["findings"] if not each["is_right"]] == ["address"]
        assert code(browser(firm).get(house.start)) == (502, "OUTSIDE_FAILED")

    def test_nobody_waits_while_a_provider_is_asked(self, firm, names, owner, provider):
        """People go on signing in, and no connection to the database is held, however long the provider takes."""
        provider.plan()
        house = oidc_house(firm, names, provider)
        state = firm.running.app.state
        asked, answer = threading.Event(), threading.Event()
        look = state.sso.oidc.provider

        async def slow(issuer, *, anew=False):
            if anew:
                asked.set()
                await asyncio.to_thread(answer.wait, 60)
            return await look(issuer, anew=anew)

        with ThreadPoolExecutor(1) as pool:
            state.sso.oidc.provider = slow
            try:
                path = f"{SSO}/connections/{house.id}"
                testing = pool.submit(owner.post, f"{path}/test", headers={"Idempotency-Key": "t"})
                assert asked.wait(30)
                assert state.database.in_use_count == 0
                assert browser(firm).get(house.start).status_code == 303
                said(firm.client().patch(path, json={"user_mapping": {"default_role": "agent"}}))
            finally:
                answer.set()
                del state.sso.oidc.provider
            assert said(testing.result())["is_sound"]
        assert said(owner.get(path))["tested_at"] is None  # it is another one by now

    def test_nobody_waits_while_a_name_server_is_asked(self, firm, owner):
        connection = said(owner.post(SSO, json=body()))["id"]
        asked = {"domain": f"d{uuid4().hex[:8]}.example", "connection_id": connection}
        claimed = said(owner.post(f"{SSO}/domains", json=asked))
        state, held = firm.running.app.state, []
        look = state.sso.records.of

        async def noting(name):
            for _ in range(200):  # what writes in the background holds one for a moment
                if state.database.in_use_count == 0:
                    break
                await asyncio.sleep(0.02)
            held.append(state.database.in_use_count)
            return await look(name)

        state.sso.records.of = noting
        try:
            answer = owner.post(f"{SSO}/domains/{claimed['id']}/verify", headers={"Idempotency-Key": "v"})
        finally:
            del state.sso.records.of
        assert code(answer) == (409, "SSO_DOMAIN_NOT_PROVEN")
        assert held == [0]

    def test_nobody_is_called_who_must_not_be(self, firm, owner):
        """The door is the same for every address that somebody has chosen."""
        from serve.ports.out import Door

        sso = firm.running.app.state.sso
        made = said(owner.post(SSO, json=body(issuer="http://169.254.169.254/latest")))
        open_door, sso.oidc._door = sso.oidc._door, Door()
        try:
            tested = said(owner.post(f"{SSO}/connections/{made['id']}/test"))
            refused = browser(firm).get(f"{AUTH}/{made['id']}/start")
        finally:
            sso.oidc._door = open_door
        [discovery] = [each for each in tested["findings"] if each["check"] == "discovery"]
        assert "not a public address" in discovery["message"]
        assert code(refused) == (502, "OUTSIDE_FAILED")


class TestDomains:
    @pytest.fixture
    def connection(self, owner):
        return said(owner.post(SSO, json=body()))["id"]

    def claim(self, owner, connection, domain=None):
        asked = {"domain": domain or f"d{uuid4().hex[:8]}.example", "connection_id": connection}
        return said(owner.post(f"{SSO}/domains", json=asked))

    def test_it_counts_once_the_dns_says_so(self, firm, names, owner, connection):
        claimed = self.claim(owner, connection)
        path = f"{SSO}/domains/{claimed['id']}"
        assert claimed["verified_at"] is None
        assert code(owner.post(f"{path}/verify")) == (409, "SSO_DOMAIN_NOT_PROVEN")
        names.texts[claimed["record_name"]] = ["v=spf1 -all", "throughline-verification=wrong"]
        assert code(owner.post(f"{path}/verify")) == (409, "SSO_DOMAIN_NOT_PROVEN")
        assert code(owner.patch(path, json={"is_enforced": True})) == (409, "SSO_DOMAIN_NOT_PROVEN")
        names.texts[claimed["record_name"]].append(claimed["record_value"])
        assert said(owner.post(f"{path}/verify"))["verified_at"]
        assert said(owner.patch(path, json={"is_enforced": True}))["is_enforced"]
        events = [name for name, *_ in firm.events(claimed["id"])]
        assert events == ["sso_domain.created", "sso_domain.verified", "sso_domain.updated"]
        assert claimed["domain"] in said(owner.get(f"{SSO}/connections/{connection}"))["domains"]

    def test_the_name_server_fails(self, names, owner, connection):
        claimed = self.claim(owner, connection)
        names.rcode = dns.rcode.SERVFAIL
        try:
            answer = owner.post(f"{SSO}/domains/{claimed['id']}/verify")
        finally:
            names.rcode = dns.rcode.NXDOMAIN
        assert code(answer) == (502, "OUTSIDE_FAILED")

    def test_the_name_server_says_nothing(self, firm, names, owner, connection):
        claimed = self.claim(owner, connection)
        records = firm.running.app.state.sso.records
        records._within_s, names.rcode = 0.3, None
        try:
            answer = owner.post(f"{SSO}/domains/{claimed['id']}/verify")
        finally:
            records._within_s, names.rcode = 5.0, dns.rcode.NXDOMAIN
        assert code(answer) == (504, "OUTSIDE_SLOW")

    def test_two_may_claim_and_one_may_have_it(self, firm, names, owner, connection):
        theirs = said(firm.client("owner", firm.b).post(SSO, json=body()))["id"]
        claimed = self.claim(owner, connection)
        other = self.claim(firm.client("owner", firm.b), theirs, claimed["domain"])
        assert other["record_value"] != claimed["record_value"]
        names.texts[claimed["record_name"]] = [claimed["record_value"], other["record_value"]]
        assert said(owner.post(f"{SSO}/domains/{claimed['id']}/verify"))["verified_at"]
        answer = firm.client("owner", firm.b).post(f"{SSO}/domains/{other['id']}/verify")
        assert code(answer) == (409, "SSO_DOMAIN_TAKEN")
        owner.delete(f"{SSO}/domains/{claimed['id']}")
        assert said(firm.client("owner", firm.b).post(f"{SSO}/domains/{other['id']}/verify"))["verified_at"]

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("Example.COM", "example.com"),
            (" straße.example ", "straße.example"),
            ("xn--bcher-kva.example", "bücher.example"),
        ],
    )
    def test_one_way_to_write_it(self, owner, connection, written, kept):
        claimed = self.claim(owner, connection, written)
        assert claimed["domain"] == kept
        assert claimed["record_name"].isascii()
        owner.delete(f"{SSO}/domains/{claimed['id']}")

    @pytest.mark.parametrize(
        "odd", ["example", "a@b.example", "*.example.com", "http://example.com", "a..b", "-.de", "1.2.3.4"]
    )
    def test_what_is_none(self, owner, connection, odd):
        refused = owner.post(f"{SSO}/domains", json={"domain": odd, "connection_id": connection})
        assert code(refused) == (422, "INVALID")
        assert refused.json()["error"]["details"][0]["field"] == "domain"

    def test_only_for_an_own_connection(self, firm, owner):
        theirs = said(firm.client("owner", firm.b).post(SSO, json=body()))["id"]
        refused = owner.post(f"{SSO}/domains", json={"domain": "x.example", "connection_id": theirs})
        assert refused.json()["error"]["details"] == [
            {"field": "connection_id", "message": "names nothing that exists"}
        ]


class TestDiscovery:
    def ask(self, firm, email):
        return said(firm.running.client().post(f"{AUTH}/discover", json={"email": email}))

    def test_it_knows_domains_and_no_people(self, firm, names, idp):
        house = saml_house(firm, names, idp)
        member = house.member()
        known, unknown = self.ask(firm, member.email), self.ask(firm, house.mail("nobody"))
        assert known == unknown
        assert known == {
            "has_connection": True,
            "connection_id": house.id,
            "kind": "saml",
            "start_url": house.start,
            "is_enforced": False,
        }
        nothing = self.ask(firm, "owner@a.example")  # there is such an account
        assert nothing == self.ask(firm, "nobody@nowhere.example")
        assert nothing["has_connection"] is False

    def test_not_before_it_is_proven_nor_when_it_is_off(self, firm, names, owner):
        connection = said(owner.post(SSO, json=body()))["id"]
        domain = f"later-{uuid4().hex[:6]}.example"
        assert not self.ask(firm, f"ada@{domain}")["has_connection"]
        prove(firm, names, firm.a, connection, domain)
        assert self.ask(firm, f"ada@{domain.upper()}")["has_connection"]
        owner.post(f"{SSO}/connections/{connection}/disable")
        assert not self.ask(firm, f"ada@{domain}")["has_connection"]
