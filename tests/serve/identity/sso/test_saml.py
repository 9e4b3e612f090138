"""Signing in by a SAML provider whose answers another library signs; what must not be believed stands in `lies`."""

from __future__ import annotations

import base64
import time
from uuid import uuid4

import pytest
from lxml import etree

from tests.serve.identity.conftest import code
from tests.serve.identity.sso.houses import (
    AUTH,
    SSO,
    browser,
    by_saml,
    me,
    post,
    prove,
    said,
    saml_house,
    to_provider,
)
from tests.serve.identity.sso.lies import DOCUMENTS, LIES
from tests.serve.identity.sso.saml_provider import Asked, SamlProvider, key_pair


@pytest.fixture(scope="module")
def house(firm, names, idp):
    return saml_house(firm, names, idp)


@pytest.fixture(scope="module")
def open_house(firm, names, idp):
    """One whose provider may send people without being asked."""
    return saml_house(firm, names, idp, unasked=True)


class TestComingIn:
    @pytest.mark.parametrize("signed", ["assertion", "response", "both"])
    def test_somebody_new(self, firm, house, idp, signed):
        email, client = house.mail(), browser(firm)
        attributes = {"email": [email], "name": ["Ada Byron"], "groups": ["choir", "bosses"]}
        response = by_saml(client, house, idp, f"new-{signed}", attributes=attributes, signed=signed)
        assert (response.status_code, response.headers["location"]) == (303, "/")
        who = me(client)
        assert (who["user"]["email"], who["user"]["full_name"]) == (email, "Ada Byron")
        assert (who["tenant"]["slug"], who["tenant"]["role"]) == ("a", "manager")

    def test_the_second_time_it_is_the_same_person(self, firm, house, idp):
        email = house.mail()
        by_saml(browser(firm), house, idp, "same", attributes={"email": [email]})
        client = browser(firm)
        assert by_saml(client, house, idp, "same").status_code == 303
        assert me(client)["user"]["email"] == email

    def test_the_name_itself_may_be_the_mail(self, firm, names, idp):
        house = saml_house(firm, names, idp, email="name_id")
        email, client = house.mail(), browser(firm)
        assert by_saml(client, house, idp, email).status_code == 303
        assert me(client)["user"]["email"] == email

    def test_two_certificates_while_they_change(self, firm, names, idp):
        house = saml_house(firm, names, idp)
        newer = key_pair("newer.example")
        house.change(configuration={"certificates": [idp.certificate, newer[1]]})
        for pair in (idp.pair, newer):
            attributes = {"email": [house.mail()]}
            response = by_saml(browser(firm), house, idp, uuid4().hex, attributes=attributes, pair=pair)
            assert response.status_code == 303
        house.change(configuration={"certificates": [newer[1]]})
        assert code(by_saml(browser(firm), house, idp, "late")) == (401, "SSO_ANSWER_REFUSED")

    def test_unasked_where_the_connection_allows_it(self, firm, open_house, idp):
        asked = unasked(firm, open_house)
        answer = idp.answer(asked, "visitor", attributes={"email": [open_house.mail()]})
        client = browser(firm)
        response = client.post(open_house.acs, data={"SAMLResponse": answer})
        assert (response.status_code, response.headers["location"]) == (303, "/")
        assert me(client)["tenant"]["slug"] == "a"
        assert code(post(client, open_house, answer)) == (401, "SSO_ANSWER_REFUSED")  # once

    def test_our_metadata(self, firm, house):
        response = browser(firm).get(f"{AUTH}/saml/{house.id}/metadata")
        root = etree.fromstring(response.content)
        shown = said(house.owner().get(f"{SSO}/connections/{house.id}"))["addresses"]
        assert root.get("entityID") == shown["entity_id"] == f"urn:throughline:sso:{house.id}"
        [service] = root.iter("{urn:oasis:names:tc:SAML:2.0:metadata}AssertionConsumerService")
        assert service.get("Location") == shown["acs_url"]
        assert code(browser(firm).get(f"{AUTH}/saml/{uuid4()}/metadata")) == (404, "SSO_CONNECTION_NOT_FOUND")

    def test_our_request(self, firm, house, idp):
        url = to_provider(browser(firm), house)
        asked = Asked.of(url)
        assert url.startswith(idp.sso_url)
        assert asked.issuer == f"urn:throughline:sso:{house.id}"
        assert asked.acs_url.endswith(house.acs)


def unasked(firm, house) -> Asked:
    """What a provider goes by that nobody has asked."""
    asked = Asked.of(to_provider(browser(firm), house))
    return Asked("", asked.issuer, asked.acs_url)


class TestLies:
    def test_there_are_enough(self):
        assert len(LIES) + len(DOCUMENTS) >= 25

    @pytest.mark.parametrize("lie", LIES)
    def test_nobody_comes_in(self, firm, house, idp, lie):
        before = house.sessions()
        how = dict(LIES[lie])
        client = browser(firm)
        asked = Asked.of(to_provider(client, house))
        name = how.pop("name", f"liar-{uuid4().hex}")
        attributes = {"email": [house.mail()]}
        refused = post(client, house, idp.answer(asked, name, attributes=attributes, **how))
        assert refused.status_code == 401, refused.text
        assert refused.json()["error"]["code"] in (
            *("SSO_ANSWER_REFUSED", "SSO_PROVIDER_REFUSED", "SSO_STATE_UNKNOWN"),
        )
        assert "evil" not in refused.text
        finish = client.get(f"{AUTH}/finish", params={"state": asked.id.removeprefix("_")})
        assert code(finish) == (401, "SSO_STATE_UNKNOWN")
        assert house.sessions() == before
        assert not [row for row in house.identities() if row[0].startswith(("liar", "the-owner"))]

    @pytest.mark.parametrize("document", DOCUMENTS)
    def test_documents_that_harm(self, firm, house, document):
        began_s = time.process_time()  # of a core: the service runs in this process
        refused = post(browser(firm), house, base64.b64encode(DOCUMENTS[document]).decode())
        assert refused.status_code in (401, 422), refused.text
        assert time.process_time() - began_s < 1

    @pytest.mark.parametrize("sent", ["%%%", "ä", "\0", "AAAA", "=" * 10])
    def test_what_is_no_base64(self, firm, house, sent):
        assert code(post(browser(firm), house, sent)) == (401, "SSO_ANSWER_REFUSED")

    def test_no_form(self, firm, house):
        assert browser(firm).post(house.acs).status_code == 422
        assert browser(firm).post(house.acs, json={"SAMLResponse": "x"}).status_code in (415, 422)


class TestAttempts:
    """One browser, one use; and another connection's answer is none."""

    def test_twice(self, firm, house, idp):
        client = browser(firm)
        asked = Asked.of(to_provider(client, house))
        answer = idp.answer(asked, "twice", attributes={"email": [house.mail()]})
        first = post(client, house, answer)
        assert first.status_code == 303
        assert post(client, house, answer).status_code == 401
        assert client.get(first.headers["location"]).status_code == 303
        assert code(client.get(first.headers["location"])) == (401, "SSO_STATE_UNKNOWN")
        another = idp.answer(asked, "twice-2", attributes={"email": [house.mail()]})
        assert code(post(client, house, another)) == (401, "SSO_STATE_UNKNOWN")

    def test_two_answers_to_one_question(self, firm, house, idp):
        client = browser(firm)
        asked = Asked.of(to_provider(client, house))
        first = post(client, house, idp.answer(asked, "one", attributes={"email": [house.mail()]}))
        second = post(client, house, idp.answer(asked, "two", attributes={"email": [house.mail()]}))
        assert (first.status_code, code(second)) == (303, (401, "SSO_STATE_UNKNOWN"))

    def test_in_another_browser(self, firm, house, idp):
        client, victim = browser(firm), browser(firm)
        asked = Asked.of(to_provider(client, house))
        to_provider(victim, house)
        leads_to = post(client, house, idp.answer(asked, "lure", attributes={"email": [house.mail()]}))
        assert code(victim.get(leads_to.headers["location"])) == (401, "SSO_STATE_UNKNOWN")
        assert "throughline_access" not in victim.cookies

    def test_answered_by_another_browser(self, firm, house, idp):
        """Somebody begins and has another one, known to the provider, go on: neither gets a session of it."""
        beginner, victim = browser(firm), browser(firm)
        asked = Asked.of(to_provider(beginner, house))
        posted = post(victim, house, idp.answer(asked, "lured", attributes={"email": [house.mail()]}))
        known = {"state": asked.id.removeprefix("_")}
        assert code(beginner.get(f"{AUTH}/finish", params=known)) == (401, "SSO_STATE_UNKNOWN")
        assert code(victim.get(posted.headers["location"])) == (401, "SSO_STATE_UNKNOWN")
        assert not {*beginner.cookies, *victim.cookies} & {"throughline_access", "throughline_refresh"}

    def test_before_the_provider_has_answered(self, firm, house):
        client = browser(firm)
        state = Asked.of(to_provider(client, house)).id.removeprefix("_")
        assert code(client.get(f"{AUTH}/finish", params={"state": state})) == (401, "SSO_STATE_UNKNOWN")

    def test_an_answer_to_another_connections_question(self, firm, house, open_house, idp):
        """Both trust the same provider."""
        client = browser(firm)
        theirs, ours = Asked.of(to_provider(client, open_house)), Asked.of(to_provider(client, house))
        mixed = Asked(theirs.id, ours.issuer, ours.acs_url)
        answer = idp.answer(mixed, "mixed", attributes={"email": [house.mail()]})
        assert code(post(client, house, answer)) == (401, "SSO_STATE_UNKNOWN")
        answer = idp.answer(theirs, "mixed", attributes={"email": [house.mail()]})
        assert code(post(client, house, answer)) == (401, "SSO_ANSWER_REFUSED")  # posted to the wrong address

    def test_unasked_where_nobody_allows_it(self, firm, house, idp):
        answer = idp.answer(unasked(firm, house), "visitor", attributes={"email": [house.mail()]})
        assert code(post(browser(firm), house, answer)) == (401, "SSO_ANSWER_REFUSED")

    def test_an_openid_answer_to_it(self, firm, house):
        client = browser(firm)
        state = Asked.of(to_provider(client, house)).id.removeprefix("_")
        refused = client.get(f"{AUTH}/oidc/{house.id}/callback", params={"state": state, "code": "x"})
        assert code(refused) == (401, "SSO_STATE_UNKNOWN")

    def test_what_was_shown_is_forgotten_with_its_end(self, firm, open_house, idp):
        from serve.identity.sso.attempts import forget_attempts

        answer = idp.answer(unasked(firm, open_house), "fleeting", attributes={"email": [open_house.mail()]})
        assert post(browser(firm), open_house, answer).status_code == 303
        worker = firm.running.app.state.worker_database
        firm.running.wait_for(forget_attempts(worker))
        assert code(post(browser(firm), open_house, answer)) == (401, "SSO_ANSWER_REFUSED")
        firm.sql("update sso_assertions set expires_at = now() - interval '1 second'")
        firm.running.wait_for(forget_attempts(worker))
        assert firm.sql("select count(*) from sso_assertions") == [(0,)]


class TestMetadataOfProviders:
    def test_it_says_all_that_is_needed(self, firm, names):
        idp = SamlProvider()
        body = {
            "ssoProvider": "saml",
            "name": "By metadata",
            "configuration": {"metadata_xml": idp.metadata()},
        }
        made = said(firm.client().post(SSO, json=body))
        configuration = made["configuration"]
        assert (configuration["entity_id"], configuration["sso_url"]) == (idp.entity_id, idp.sso_url)
        assert [each["pem"] for each in configuration["certificates"]] == [idp.certificate]
        tested = said(firm.client().post(f"{SSO}/connections/{made['id']}/test"))
        assert [each["check"] for each in tested["findings"] if not each["is_right"]] == ["domains", "roles"]
        prove(firm, names, firm.a, made["id"], f"m{uuid4().hex[:8]}.example")
        said(
            firm.client().patch(
                f"{SSO}/connections/{made['id']}", json={"user_mapping": {"default_role": "viewer"}}
            )
        )
        assert said(firm.client().post(f"{SSO}/connections/{made['id']}/test"))["is_sound"]

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: "",
            lambda text: "<a/>",
            lambda text: text.replace("X509Certificate", "Nothing"),
            lambda text: text.replace("IDPSSO", "SPSSO"),
            lambda text: f'<!DOCTYPE a [<!ENTITY b "c">]>{text}',
            lambda text: text.replace("HTTP-Redirect", "HTTP-Artifact"),
            lambda text: text.replace("MII", "XXX"),
            lambda text: text.replace('Location="https://', 'Location="https://['),
            lambda text: text.replace('entityID="', 'entityID="' + "x" * 1000),
            lambda text: text.replace('Location="https://', 'Location="https://' + "x" * 1000),
        ],
    )
    def test_it_may_be_none(self, firm, idp, spoil):
        body = {
            "ssoProvider": "saml",
            "name": "Spoiled",
            "configuration": {"metadata_xml": spoil(idp.metadata())},
        }
        assert code(firm.client().post(SSO, json=body)) == (422, "INVALID")

    def test_weak_keys_are_refused(self, firm, idp):
        weak = key_pair("weak.example", 1024)[1]
        configuration = {"entity_id": "x", "sso_url": "https://idp.example.com", "certificates": [weak]}
        refused = firm.client().post(SSO, json={"ssoProvider": "saml", "configuration": configuration})
        [detail] = refused.json()["error"]["details"]
        assert detail["field"] == "configuration.certificates[0]"
