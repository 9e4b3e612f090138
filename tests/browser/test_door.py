"""The log-in page: second factors, passkeys, the organisation's own log-in, several businesses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.chrome import log_in
from tests.browser.desk import Desk
from tests.browser.desk import desk as desk
from tests.conftest import TestCluster
from tests.serve.firm import PASSWORD, Firm
from tests.serve.identity.conftest import somebody as somebody
from tests.serve.identity.sso.conftest import idp as idp
from tests.serve.identity.sso.conftest import names as names
from tests.serve.identity.sso.conftest import provider as provider
from tests.serve.identity.sso.houses import oidc_house, open_firm, saml_house
from tests.serve.identity.sso.names import Names
from tests.serve.identity.test_factors import app_of, at

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def firm(pg: TestCluster, tmp_path_factory: pytest.TempPathFactory, names: Names) -> Iterator[Firm]:
    """One that may call the providers of this machine."""
    with open_firm(pg, tmp_path_factory.mktemp("home"), names, account_mails_at_once=10_000) as firm:
        yield firm


def methods(desk: Desk, user_id: object) -> list[list[str]]:
    """How the person's open sessions were opened, the newest first."""
    found = desk.firm.sql(
        "select methods from sessions where user_id = %s and ended_at is null order by created_at desc",
        user_id,
    )
    return [each for (each,) in found]


def house_or_door(told: str, issuer: str) -> bool:
    """What a page may complain of on the way to a provider and back without a session."""
    return f"asked another host: {issuer}" in told or "status of 401" in told


class TestSecondFactor:
    def test_a_code_of_the_app(self, desk, somebody):
        person = somebody()
        app, _ = app_of(person.client())
        page = desk.enter(person)
        second = page.locator("#second")
        expect(second.get_by_label("Code of your app")).to_be_focused()
        expect(second.get_by_role("button", name="Use a passkey")).to_be_hidden()
        desk.keep("door-second")
        second.get_by_label("Code of your app").fill("000000")
        page.keyboard.press("Enter")
        expect(second.locator(".error")).to_have_text(
            "The code is not right, or was used before. Wait for the next one."
        )
        second.get_by_label("Code of your app").fill(at(app))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        assert methods(desk, person.id)[0] == ["password", "totp"]
        desk.visit.expects("401")

    def test_a_recovery_code_in_its_place(self, desk, somebody):
        person = somebody()
        _, made = app_of(person.client())
        page = desk.enter(person)
        page.locator("#second").get_by_label("recovery code").fill(made["new_recovery_codes"][0].upper())
        page.keyboard.press("Enter")
        expect(page.locator("#own-codes")).to_contain_text("9 codes left")
        assert methods(desk, person.id)[0] == ["password", "recovery_code"]
        desk.visit.expects("401")

    def test_several_businesses_after_it(self, desk, somebody):
        """The code was used up by coming in: the choice needs no second one."""
        person = somebody(a="manager", b="viewer")
        app, _ = app_of(person.client())
        page = desk.enter(person)
        page.locator("#second").get_by_label("Code of your app").fill(at(app))
        page.keyboard.press("Enter")
        page.get_by_role("group", name="Businesses").get_by_role("button", name="B").click()
        expect(page.locator("#tenant")).to_have_value("b")
        [slug] = desk.firm.sql(
            "select t.slug from sessions s join tenants t on t.id = s.tenant_id where s.user_id = %s"
            " order by s.created_at desc limit 1",
            person.id,
        )
        assert slug == ("b",)
        with page.expect_response("**/auth/refresh"):
            page.get_by_label("Business", exact=True).select_option("a")
        assert desk.visit.api("/auth/me")["data"]["tenant"]["slug"] == "a"
        desk.visit.expects("401")


class TestPasskey:
    def test_made_and_used(self, desk, somebody):
        person = somebody()
        page = desk.enter(person)
        keys = page.get_by_role("region", name="Passkeys")
        keys.get_by_label("Name of a new one").fill("Laptop <b>")
        keys.get_by_role("button", name="Add a passkey").click()
        expect(keys.get_by_role("listitem")).to_contain_text("Laptop <b>")
        expect(page.locator("#own-codes ol.codes li")).to_have_count(10)
        desk.keep("own-passkey")
        [(name,)] = desk.firm.sql("select name from passkeys where user_id = %s", person.id)
        assert name == "Laptop <b>"
        page.get_by_role("button", name="Log out").click()
        desk.keep("door")
        page.locator("#login").get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        expect(page.locator("#own-email")).to_have_text(person.email)
        assert methods(desk, person.id)[0] == ["passkey"]

    def test_as_second_factor_and_removed_by_it(self, desk, somebody):
        person = somebody()
        page = desk.enter(person)
        keys = page.get_by_role("region", name="Passkeys")
        keys.get_by_label("Name of a new one").fill("Phone")
        page.keyboard.press("Enter")
        expect(keys.get_by_role("listitem")).to_have_count(1)
        desk.age(person)
        keys.get_by_role("button", name="Remove Phone").click()
        proof = page.get_by_role("dialog", name="Is it you?")
        expect(proof.get_by_label("Password")).to_be_hidden()
        desk.keep("proof")
        proof.get_by_role("button", name="Cancel").click()
        expect(keys.get_by_role("alert").first).to_contain_text("Nothing was changed")
        keys.get_by_role("button", name="Remove Phone").click()
        proof.get_by_role("button", name="Use a passkey").click()
        expect(keys).to_contain_text("None yet.")
        assert desk.firm.sql("select 1 from passkeys where user_id = %s", person.id) == []
        desk.visit.expects("401")

    def test_a_device_that_does_not_know_its_person(self, desk, somebody):
        page = desk.open("/")
        who = {"authenticatorId": desk.device_id, "isUserVerified": False}
        desk.devices.send("WebAuthn.setUserVerified", who)
        page.locator("#login").get_by_role("button", name="Use a passkey").click()
        expect(page.locator("#login .error")).to_contain_text("The device gave no passkey.")
        expect(page.locator("#board")).to_be_hidden()


class TestOrganisation:
    def test_the_address_leads_to_its_house_and_back(self, desk, names, provider):
        house = oidc_house(desk.firm, names, provider)
        desk.firm.running.app.state.sso.address = desk.url
        member = house.member("manager")
        provider.says(member.email, member.email)
        page = desk.open("/account")
        page.locator("#login").get_by_label("E-mail").fill(member.email)
        page.keyboard.press("Tab")
        way = page.get_by_role("link", name="Log in at your organisation")
        expect(way).to_be_visible()
        desk.keep("door-organisation")
        way.click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        expect(page.locator("#own-email")).to_have_text(member.email)
        assert page.url == f"{desk.url}/account"
        assert methods(desk, member.id) == [["oidc"]]
        page.reload()
        expect(page.locator("#own-email")).to_have_text(member.email)
        assert page.evaluate("localStorage.getItem('throughline.session-ends-at')") != "coming"
        desk.visit.expects(f"asked another host: {provider.issuer}")

    def test_it_opens_its_own_business_and_no_other(self, desk, names, provider):
        house = oidc_house(desk.firm, names, provider)
        desk.firm.running.app.state.sso.address = desk.url
        member = house.member("manager")
        desk.firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'viewer')",
            *(member.id, desk.firm.b),
        )
        provider.says(member.email, member.email)
        page = desk.open(f"{house.start}?return_to=/account")
        page.evaluate("localStorage.setItem('throughline.session-ends-at', 'coming')")
        page.reload()
        page.get_by_label("Business", exact=True).select_option("b")
        expect(page.locator("#banner")).to_contain_text("works for that organisation alone")
        expect(page.locator("#tenant")).to_have_value("a")
        desk.visit.complaints.clear()

    def test_who_is_not_let_in_is_told_what_to_do(self, desk, names, provider):
        house = oidc_house(desk.firm, names, provider)
        desk.firm.running.app.state.sso.address = desk.url
        provider.says("nobody-1", "nobody@elsewhere.example")
        page = desk.open("/account")
        page.locator("#login").get_by_label("E-mail").fill(house.mail())
        page.keyboard.press("Tab")
        page.get_by_role("link", name="Log in at your organisation").click()
        card = page.get_by_role("region", name="You are not logged in")
        expect(card).to_contain_text("Ask an administrator to invite you")
        assert page.url == f"{desk.url}/account"
        [(request_id,)] = desk.firm.sql(
            "select request_id from events where name = 'sso.refused' and entity_id = %s", house.id
        )
        expect(card).to_contain_text(f"For an administrator: SSO_NOT_ADMITTED, request {request_id}")
        desk.keep("door-refused")
        card.get_by_role("link", name="Begin again").click()
        expect(page.locator("#login")).to_be_visible()
        told = desk.visit.complaints
        assert [each for each in told if house_or_door(each, provider.issuer)] == told
        told.clear()

    def test_an_answer_that_a_provider_posts(self, desk, names, idp):
        house = saml_house(desk.firm, names, idp)
        page = desk.page
        page.set_content(
            f'<form method="post" action="{desk.url}{house.acs}"><input name="SAMLResponse" value="bm8="></form>'
        )
        page.evaluate("document.forms[0].submit()")
        card = page.get_by_role("region", name="You are not logged in")
        expect(card).to_contain_text("could not be trusted")
        expect(card).to_contain_text("For an administrator: SSO_ANSWER_REFUSED, request ")

    @pytest.mark.parametrize(
        "said", ["<b>Call 0900</b>/x", "CALL/0900 now", "constructor/x", "", "SSO_NOT_ADMITTED", "X" * 300]
    )
    def test_what_somebody_else_made_of_the_address_is_not_repeated(self, desk, said):
        page = desk.open(f"/account#refused={said}")
        card = page.get_by_role("region", name="You are not logged in")
        expect(card).to_contain_text("Something stood in the way")
        for word in ("0900", "CALL", "constructor", "XXX", "For an administrator"):
            expect(card).not_to_contain_text(word)
        assert page.url == f"{desk.url}/account"

    def test_an_address_of_nobodys_house_has_a_password_alone(self, desk, somebody):
        page = desk.open("/account")
        with page.expect_response("**/auth/sso/discover"):
            page.locator("#login").get_by_label("E-mail").fill("vera@nowhere.example")
            page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Log in at your organisation")).to_be_hidden()

    def test_who_comes_back_without_a_session_is_at_the_door(self, desk):
        page = desk.open("/")
        page.evaluate("localStorage.setItem('throughline.session-ends-at', 'coming')")
        page.reload()
        expect(page.locator("#login")).to_be_visible()
        assert page.evaluate("localStorage.length") == 0
        desk.visit.expects("401")


def test_a_business_that_asks_for_a_second_factor(desk, somebody):
    """The page leads to setting one up, and then everything is open."""
    person = somebody(b="manager")
    desk.firm.client("owner", desk.firm.b).put(
        "/api/v1/settings/security", json={"second_factor": "required"}
    ).raise_for_status()
    page = desk.open("/")
    log_in(page, person.email, PASSWORD)
    page.wait_for_url(f"{desk.url}/account")
    expect(page.locator("#own-demand")).to_be_visible()
    desk.keep("own-demand")
    page.get_by_role("region", name="Passkeys").get_by_label("Name of a new one").fill("Key")
    page.keyboard.press("Enter")
    expect(page.locator("#own-demand")).to_be_hidden()
    expect(page.locator("#own-codes ol.codes li")).to_have_count(10)
    assert desk.visit.api("/contacts")["success"]
    desk.visit.expects("403")
