"""Refusals on the way through a sign-in: programs get JSON as ever, people are led to a page that says why."""

from __future__ import annotations

import re
from uuid import uuid4

import httpx
import pytest

from tests.serve.identity.conftest import code
from tests.serve.identity.sso.houses import (
    AUTH,
    by_oidc,
    oidc_house,
    saml_house,
    state_of,
    to_provider,
)
from tests.serve.identity.sso.saml_provider import Asked

NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def person(firm) -> httpx.Client:
    """A browser that goes where it is sent when told to."""
    return firm.running.client(accept=NAVIGATION)


@pytest.fixture(scope="module")
def house(firm, names, provider):
    return oidc_house(firm, names, provider)


@pytest.fixture(scope="module")
def callback(house) -> str:
    return f"{AUTH}/oidc/{house.id}/callback"


@pytest.fixture(scope="module")
def saml(firm, names, idp):
    return saml_house(firm, names, idp)


def led_to(response: httpx.Response, why: str) -> str:
    """The number of the request that the page will show."""
    assert response.status_code == 303, response.text
    request_id = response.headers["x-request-id"]
    assert response.headers["location"] == f"/account#refused={why}/{request_id}"
    assert response.headers["cache-control"] == "no-store"
    assert not any("access" in each or "refresh" in each for each in response.headers.get_list("set-cookie"))
    return request_id


class TestPeople:
    def test_who_did_not_begin_here(self, person, callback):
        led_to(person.get(callback, params={"state": "x", "code": "y"}), "SSO_STATE_UNKNOWN")
        led_to(person.get(f"{AUTH}/finish", params={"state": "x"}), "SSO_STATE_UNKNOWN")

    def test_no_word_of_the_provider_goes_on(self, person, house, callback):
        state = state_of(to_provider(person, house))
        said = {"error": "access_denied", "error_description": "<b>call the hotline</b>", "state": state}
        response = person.get(callback, params=said)
        led_to(response, "SSO_PROVIDER_REFUSED")
        assert "hotline" not in str(response.headers)

    def test_an_administrator_finds_it_by_the_number(self, firm, person, house, provider):
        provider.says("nobody-1", "nobody@elsewhere.example")
        request_id = led_to(by_oidc(person, house), "SSO_NOT_ADMITTED")
        asked = {"request_id": request_id}
        [found] = firm.client().get("/api/v1/audit/logs", params=asked).json()["data"]
        assert found["name"] == "sso.refused"
        assert "of no domain that this connection speaks for" in str(found)

    def test_what_cannot_be_read_is_refused_in_the_same_way(self, person, saml, callback):
        led_to(person.get(callback, params={"state": "x" * 201}), "INVALID")
        led_to(person.post(saml.acs), "INVALID")
        led_to(person.get(saml.start, params={"return_to": "https://evil.example/"}), "INVALID")

    def test_an_assertion_that_lies(self, person, saml):
        led_to(person.post(saml.acs, data={"SAMLResponse": "bm8="}), "SSO_ANSWER_REFUSED")

    def test_who_is_not_let_in_by_saml(self, person, saml, idp):
        asked = Asked.of(to_provider(person, saml))
        answer = idp.answer(asked, "stranger", attributes={"email": ["nobody@elsewhere.example"]})
        led_to(person.post(saml.acs, data={"SAMLResponse": answer}), "SSO_NOT_ADMITTED")

    def test_a_connection_that_is_none(self, person):
        led_to(person.get(f"{AUTH}/{uuid4()}/start"), "SSO_CONNECTION_NOT_FOUND")
        led_to(
            person.post(f"{AUTH}/saml/{uuid4()}/acs", data={"SAMLResponse": "bm8="}),
            "SSO_CONNECTION_NOT_FOUND",
        )

    def test_a_provider_that_does_not_answer(self, firm, names, person, provider):
        house = oidc_house(firm, names, provider)
        firm.sql(
            "update sso_connections set configuration = configuration || %s::jsonb where id = %s",
            *('{"issuer": "http://127.0.0.1:9"}', house.id),
        )
        led_to(person.get(house.start), "OUTSIDE_FAILED")

    def test_a_number_that_somebody_made_up_is_harmless(self, firm, callback):
        client = firm.running.client(**{"accept": NAVIGATION, "x-request-id": "<b>/../#x"})
        location = client.get(callback, params={"state": "x"}).headers["location"]
        assert re.fullmatch(r"/account#refused=SSO_STATE_UNKNOWN/[A-Za-z0-9._-]+", location)


class TestPrograms:
    @pytest.mark.parametrize(
        "accept",
        [
            "*/*",
            "application/json",
            f"application/json, {NAVIGATION}",
            "text/*",
            "application/problem+json, text/html",
        ],
    )
    def test_they_get_what_they_got(self, firm, accept, callback):
        client = firm.running.client(accept=accept)
        answers = [
            client.get(callback, params={"state": "x", "code": "y"}),
            client.get(f"{AUTH}/finish", params={"state": "x"}),
        ]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert all("location" not in answer.headers for answer in answers)
        if "problem" not in accept:
            assert {code(answer) for answer in answers} == {(401, "SSO_STATE_UNKNOWN")}
        assert client.post(f"{AUTH}/saml/{uuid4()}/acs", data={"SAMLResponse": "bm8="}).status_code == 404
        assert client.get(callback, params={"state": "x" * 201}).status_code == 422

    def test_what_is_no_step_is_answered_as_ever(self, person):
        assert person.get(f"{AUTH}/saml/{uuid4()}/metadata").status_code == 404
        assert person.post(f"{AUTH}/discover", json={}).status_code == 422
