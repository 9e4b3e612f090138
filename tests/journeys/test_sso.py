"""A firm lets its people in by their own log-in, from the first setting to a session that is taken away."""

from __future__ import annotations

from tests.serve.identity.sso.conftest import firm, names, provider
from tests.serve.identity.sso.houses import MAPPING, House, browser, by_oidc, by_saml, me
from tests.serve.identity.sso.oidc_provider import CLIENT_ID, CLIENT_SECRET
from tests.serve.identity.sso.saml_provider import SamlProvider

GROUP = "sso"
__all__ = ["firm", "names", "provider"]  # the same firm as in the tests of single sign-on
SSO = "/api/v1/b2b/enterprise-sso"


def connected(office, names, configuration, kind, domain) -> House:
    """A connection that speaks for a domain which the DNS says is the firm's, tried out by its owner."""
    owner = office.person("owner")
    made = owner(
        f"POST {SSO}",
        {"ssoProvider": kind, "name": kind, "configuration": configuration, "userMapping": MAPPING},
    ).data
    tested = owner(f"POST {SSO}/connections/{{id}}/test", id=made["id"]).data
    assert [each["check"] for each in tested["findings"] if not each["is_right"]] == ["domains"]
    claimed = owner(f"POST {SSO}/domains", {"domain": domain, "connectionId": made["id"]}).data
    owner(f"POST {SSO}/domains/{{id}}/verify", id=claimed["id"], refused=409)
    names.texts[claimed["record_name"]] = [claimed["record_value"]]
    owner(f"POST {SSO}/domains/{{id}}/verify", id=claimed["id"])
    assert owner(f"POST {SSO}/connections/{{id}}/test", id=made["id"]).data["is_sound"]
    found = office.stranger()("POST /api/v1/auth/sso/discover", {"email": f"ada@{domain}"}).data
    assert found["connection_id"] == made["id"]
    return House(office.firm, office.firm.a, made["id"], domain)


def test_openid_connect(office, names, provider):
    configuration = {"issuer": provider.issuer, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}
    house = connected(office, names, configuration, "oidc", "openid.example")
    provider.says("ada", "ada@openid.example", claims={"groups": ["bosses"]})
    ada = browser(office.firm)
    assert by_oidc(ada, house, return_to="/pages/index.html").headers["location"] == "/pages/index.html"
    who = me(ada)
    assert (who["user"]["email"], who["tenant"]["role"]) == ("ada@openid.example", "manager")
    page = {"X-Requested-With": "page"}
    assert ada.post("/api/v1/contacts", json={"full_name": "First"}, headers=page).status_code == 201

    # From now on people of the domain come in by it alone; one who leaves is out at once, and stays out.
    owner = office.person("owner")
    [domain] = owner(f"GET {SSO}/domains").data
    owner(f"PATCH {SSO}/domains/{{id}}", {"isEnforced": True}, id=domain["id"])
    office.firm.sql("update users set is_active = false where id = %s", who["user"]["id"])
    office.running.wait_for(office.running.app.state.revocations.look())
    assert ada.get("/api/v1/contacts").status_code == 401
    assert ada.post("/api/v1/auth/refresh", headers=page).status_code == 401
    assert by_oidc(browser(office.firm), house).status_code == 403
    office.catch_up()
    seen = {each["name"] for each in owner("GET /api/v1/audit/security-events").data}
    assert {"sso.provisioned", "sso.refused"} <= seen


def test_saml(office, names):
    idp = SamlProvider()
    house = connected(office, names, {"metadataXml": idp.metadata()}, "saml", "saml.example")
    grace = browser(office.firm)
    attributes = {"email": ["grace@saml.example"], "name": ["Grace Hopper"], "groups": ["crew"]}
    assert by_saml(grace, house, idp, "grace", attributes=attributes).status_code == 303
    who = me(grace)
    assert (who["user"]["full_name"], who["tenant"]["role"]) == ("Grace Hopper", "technician")

    # She logs out: neither token opens anything. The firm gives the provider up: nobody comes in by it.
    page = {"X-Requested-With": "page"}
    token = grace.cookies["throughline_access"]
    assert grace.post("/api/v1/auth/logout", headers=page).status_code == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert office.firm.running.client().get("/api/v1/auth/me", headers=bearer).status_code == 401
    office.person("owner")(f"DELETE {SSO}/connections/{{id}}", id=house.id)
    assert browser(office.firm).get(house.start).status_code == 404
