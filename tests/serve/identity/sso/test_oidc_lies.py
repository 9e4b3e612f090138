"""Forty answers of an OpenID provider that lie, and some that cannot be understood: nobody comes in by them."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from tests.serve.identity.conftest import code
from tests.serve.identity.sso.houses import (
    browser,
    by_oidc,
    oidc_house,
)


@pytest.fixture(scope="module")
def house(firm, names, provider):
    return oidc_house(firm, names, provider)


NOW = time.time
LIES: dict[str, dict[str, Any]] = {
    "no signature": {"signed": "not"},
    "HS256 with the public key": {"signed": "with the public key"},
    "HS256 with the client's secret": {"signed": "with the client's secret"},
    "signed by a stranger": {"signed": "by a stranger"},
    "signed by a key that it brings along": {"signed": "by a key in the token"},
    "changed after it was signed": {"signed": "then changed"},
    "cut off": {"signed": "then cut"},
    "an unknown key": {"header": {"kid": "nobody's"}},
    "a critical header that nobody knows": {
        "header": {"crit": ["odd"], "odd": 1},
        "signed": "by hand",
        "rotate": "RSA",
    },
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "another issuer by a slash": {"issuer_slash": True},
    "no issuer": {"without": ["iss"]},
    "another audience": {"claims": {"aud": "somebody-else"}},
    "several audiences and nobody named": {"claims": {"aud": ["throughline", "somebody-else"]}},
    "several audiences, another one named": {"claims": {"aud": ["throughline", "x"], "azp": "x"}},
    "one audience, another one named": {"claims": {"azp": "somebody-else"}},
    "no audience": {"without": ["aud"]},
    "an audience that is no text": {"claims": {"aud": 7}},
    "over": {"shift": {"exp": -61}},
    "no end": {"without": ["exp"]},
    "an end that is no time": {"claims": {"exp": "tomorrow"}},
    "made in an hour": {"shift": {"iat": 3600}},
    "not valid yet": {"shift": {"nbf": 120}},
    "no moment of making": {"without": ["iat"]},
    "another nonce": {"claims": {"nonce": "guessed"}},
    "no nonce": {"without": ["nonce"]},
    "nobody": {"without": ["sub"]},
    "an empty subject": {"claims": {"sub": ""}},
    "a subject that is a number": {"claims": {"sub": 7}},
    "a subject of a thousand letters": {"claims": {"sub": "x" * 1000}},
    "a subject with a hole": {"claims": {"sub": "a\0b"}},
    "another access token's hash": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "no token at all": {"token": [200, '{"access_token": "x"}']},
    "a token that is a number": {"token": [200, '{"id_token": 5}']},
    "a token that is none": {"raw": "not.a.token"},
    "an encrypted one": {"raw": "a.b.c.d.e"},
    "a code that is refused": {"token": [400, '{"error": "invalid_grant"}']},
    "the provider says no": {"error": "access_denied"},
    "another provider's answer": {"answer": {"iss": "https://evil.example"}},
    "a userinfo of somebody else": {"without": ["email"], "userinfo": {"sub": "other", "email": "x"}},
}
FAILURES: dict[str, dict[str, Any]] = {
    "it fails": {"token": [500, "oops"]},
    "no JSON": {"token": [200, "<html>"]},
    "a list": {"token": [200, "[]"]},
    "endless": {"token": [200, '"' + "x" * 600_000]},
}


def planned(provider, lie: dict[str, Any], subject: str, email: str) -> None:
    lie = dict(lie)
    claims = {"sub": subject, "email": email, "email_verified": True, **lie.pop("claims", {})}
    claims |= {name: int(NOW()) + by for name, by in lie.pop("shift", {}).items()}
    if lie.pop("issuer_slash", False):
        claims["iss"] = f"{provider.issuer}/"
    provider.plan(claims=claims, **lie)


class TestLies:
    def test_there_are_enough(self):
        assert len(LIES) >= 25

    def test_what_is_signed_by_hand_would_do(self, firm, house, provider):
        """So that what is refused of it is refused for what it says."""
        planned(provider, {"signed": "by hand", "rotate": "RSA"}, "by-hand", house.mail())
        assert by_oidc(browser(firm), house).status_code == 303

    @pytest.mark.parametrize("lie", LIES)
    def test_nobody_comes_in(self, firm, house, provider, lie):
        before = house.sessions()
        client = browser(firm)
        planned(provider, LIES[lie], f"liar-{uuid4().hex}", house.mail())
        response = by_oidc(client, house)
        assert response.status_code == 401, response.text
        assert response.json()["error"]["code"] in ("SSO_ANSWER_REFUSED", "SSO_PROVIDER_REFUSED")
        assert "throughline_access" not in client.cookies
        assert house.sessions() == before
        assert "evil" not in response.text
        assert not [row for row in house.identities() if row[0].startswith("liar")]

    def test_an_answer_that_does_not_say_whose_it_is(self, firm, house, provider):
        """Of a provider that always says so; of others there is nothing to miss."""
        provider.says("unnamed-1", house.mail(), unsaid=["iss"])
        assert by_oidc(browser(firm), house).status_code == 303
        always = {"authorization_response_iss_parameter_supported": True}
        try:
            firm.running.app.state.sso.oidc.forget(provider.issuer)
            provider.says("unnamed-2", house.mail(), discovery=always)
            assert by_oidc(browser(firm), house).status_code == 303
            provider.says("unnamed-3", house.mail(), discovery=always, unsaid=["iss"])
            assert code(by_oidc(browser(firm), house)) == (401, "SSO_ANSWER_REFUSED")
        finally:
            firm.running.app.state.sso.oidc.forget(provider.issuer)

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failure_of_the_provider_is_its_own(self, firm, house, provider, failure):
        client = browser(firm)
        planned(provider, FAILURES[failure], "failing", house.mail())
        assert code(by_oidc(client, house)) == (502, "OUTSIDE_FAILED")
        assert "throughline_access" not in client.cookies

    @pytest.mark.parametrize(
        "discovery",
        [
            {"discovery": {"issuer": "https://evil.example"}},
            {"discovery": {"token_endpoint": None}},
            {"discovery": {"authorization_endpoint": "javascript:alert(1)"}},
            {"discovery": {"authorization_endpoint": "http://[bad"}},
            {"discovery": {"authorization_endpoint": "http://login.example.com:port/"}},
            {"discovery": {"authorization_endpoint": "http://lögin.example.com/"}},
            {"discovery": {"authorization_endpoint": "http:///authorize"}},
            {"discovery": {"jwks_uri": 5}},
            {"discovery_raw": "[]"},
            {"discovery_raw": "no JSON"},
            {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
            {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]},
            {"keys": ["odd", {}, {"kty": "RSA"}]},
        ],
    )
    def test_a_provider_that_cannot_be_understood(self, firm, house, provider, discovery):
        firm.running.app.state.sso.oidc.forget(provider.issuer)
        provider.plan(**discovery)
        assert code(browser(firm).get(house.start)) == (502, "OUTSIDE_FAILED")
        provider.plan()
