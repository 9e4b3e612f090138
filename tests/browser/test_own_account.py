"""One's own account in the browser: password, codes, sessions; and other eyes, which the page announces."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.chrome import log_in, wait_for_figures
from tests.browser.conftest import visiting
from tests.browser.desk import Desk
from tests.browser.desk import desk as desk
from tests.serve.conftest import firm as firm  # the fixture
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH
from tests.serve.identity.conftest import somebody as somebody
from tests.serve.identity.test_factors import app_of, at

pytestmark = pytest.mark.browser
NEW = "another password of ours"


def part(page: Page, name: str):
    return page.get_by_role("region", name=name)


def prove(desk: Desk, name: str, value: str) -> None:
    proof = desk.page.get_by_role("dialog", name="Is it you?")
    proof.get_by_label(name).fill(value)
    proof.get_by_role("button", name="Go on").click()
    expect(proof).to_be_hidden()


class TestPassword:
    def test_changed(self, desk, somebody):
        person = somebody()
        elsewhere = person.client()
        page = desk.enter(person)
        expect(part(page, "Open sessions").get_by_role("listitem")).to_have_count(2)
        desk.keep("own")
        form = part(page, "Password")
        form.get_by_label("Present password").fill("wrong")
        form.get_by_label("New password").fill(NEW)
        page.keyboard.press("Enter")
        expect(form.get_by_label("Present password")).to_have_accessible_description("Is not right.")
        form.get_by_label("Present password").fill(PASSWORD)
        form.get_by_label("New password").fill("1234567890")
        page.keyboard.press("Enter")
        expect(form.get_by_label("New password")).to_have_attribute("aria-invalid", "true")
        desk.keep("own-password-wrong")
        form.get_by_label("New password").fill(NEW)
        page.keyboard.press("Enter")
        expect(page.locator("#own-told")).to_contain_text("Your password is changed")
        assert elsewhere.get(f"{AUTH}/me").status_code == 401
        asked = {"email": person.email, "password": NEW}
        assert desk.firm.running.client().post(f"{AUTH}/login", json=asked).is_success
        desk.visit.expects("422")


class TestOneTimeCodes:
    def test_on_and_off(self, desk, somebody):
        person = somebody()
        page = desk.enter(person)
        codes = part(page, "One-time codes")
        codes.get_by_role("button", name="Set up").click()
        picture = codes.get_by_role("img")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        desk.keep("own-totp")
        app = pyotp.TOTP(codes.locator("form code").inner_text().replace(" ", ""))
        codes.get_by_label("What the app shows now").fill(at(app, 7))
        page.keyboard.press("Enter")
        expect(codes.locator("form .error")).to_contain_text("not the code that the new secret gives")
        desk.visit.expects("422")
        codes.get_by_label("What the app shows now").fill(at(app, -1))
        page.keyboard.press("Enter")
        expect(codes).to_contain_text("On since")
        shown = page.locator("#own-codes ol.codes li")
        expect(shown).to_have_count(10)
        expect(page.locator("#own-codes ol.codes")).to_be_focused()
        desk.keep("own-codes")
        [(confirmed,)] = desk.firm.sql(
            "select confirmed_at is not null from totp_secrets where user_id = %s", person.id
        )
        assert confirmed
        first = shown.first.inner_text()
        desk.age(person)
        page.get_by_role("button", name="Make new ones").click()
        prove(desk, "Code of your app", at(app))
        expect(shown).to_have_count(10)
        expect(shown.first).not_to_have_text(first)
        codes.get_by_role("button", name="Remove").click()
        expect(codes).to_contain_text("Off.")
        expect(page.locator("#own-codes")).to_be_hidden()
        assert desk.firm.sql("select 1 from totp_secrets where user_id = %s", person.id) == []
        desk.visit.expects("401")

    def test_a_session_that_is_open_for_long_proves_itself_first(self, desk, somebody):
        person = somebody()
        page = desk.enter(person)
        expect(part(page, "Open sessions").get_by_role("listitem")).to_have_count(1)
        desk.age(person)
        codes = part(page, "One-time codes")
        codes.get_by_role("button", name="Set up").click()
        desk.keep("proof-password")
        prove(desk, "Password", PASSWORD)
        expect(codes.get_by_role("img")).to_be_visible()
        desk.visit.expects("401")


class TestSessions:
    def test_one_is_ended_and_then_all_others(self, desk, somebody):
        person = somebody()
        clients = [person.client() for _ in range(3)]
        page = desk.enter(person)
        rows = part(page, "Open sessions").get_by_role("listitem")
        expect(rows).to_have_count(4)
        expect(rows.first).to_contain_text(re.compile(r"Chrome on Linux.*This one"))
        desk.keep("own-sessions")
        rows.last.get_by_role("button").click()
        expect(rows).to_have_count(3)
        assert sorted(client.get(f"{AUTH}/me").status_code for client in clients) == [200, 200, 401]
        page.get_by_role("button", name="End all others").click()
        expect(rows).to_have_count(1)
        assert [client.get(f"{AUTH}/me").status_code for client in clients] == [401, 401, 401]
        assert desk.visit.api("/auth/sessions")["data"][0]["is_current"]

    def test_a_page_whose_token_has_ended_carries_on(self, desk, somebody):
        person = somebody()
        page = desk.enter(person)
        expect(part(page, "Open sessions").get_by_role("listitem")).to_have_count(1)
        desk.visit.context.clear_cookies(name="throughline_access")
        codes = part(page, "One-time codes")
        codes.get_by_role("button", name="Set up").click()
        expect(codes.get_by_role("img")).to_be_visible()
        desk.visit.expects("401")

    def test_log_out_ends_one_whose_token_has_ended(self, desk, somebody):
        person = somebody()
        page = desk.enter(person)
        expect(part(page, "Open sessions").get_by_role("listitem")).to_have_count(1)
        desk.visit.context.clear_cookies(name="throughline_access")
        page.get_by_role("button", name="Log out").click()
        expect(page.locator("#login")).to_be_visible()
        ended = desk.firm.sql("select ended_because from sessions where user_id = %s", person.id)
        assert ended == [("logout",)]
        assert "throughline_refresh" not in {each["name"] for each in desk.visit.context.cookies()}
        desk.visit.expects("401")

    def test_one_that_was_ended_elsewhere_leads_to_the_door(self, desk, somebody):
        person = somebody()
        page = desk.enter(person)
        expect(part(page, "Open sessions").get_by_role("listitem")).to_have_count(1)
        person.client().post(f"{AUTH}/sessions/end-others").raise_for_status()
        part(page, "One-time codes").get_by_role("button", name="Set up").click()
        expect(page.locator("#login")).to_be_visible()
        expect(page.get_by_text(person.email)).to_have_count(0)
        desk.visit.expects("401")


class TestOtherEyes:
    def test_they_are_announced_and_ended(self, desk, somebody):
        owner, colleague = somebody(a="owner"), somebody(a="viewer")
        desk.firm.sql("update users set full_name = 'Vera <i>Viewer</i>' where id = %s", colleague.id)
        page = desk.enter(owner)
        eyes = part(page, "Look with other eyes")
        eyes.get_by_label("Whose").select_option(str(colleague.id))
        eyes.get_by_label("Reason").fill("You told us that the list of vans is empty.")
        desk.keep("own-eyes")
        eyes.get_by_role("button", name="Look").click()
        banner = page.locator("#eyes")
        expect(banner).to_contain_text(
            f"You look with the eyes of Vera <i>Viewer</i> ({colleague.email}) until"
        )
        expect(page.locator("#own")).to_be_hidden()
        expect(page.get_by_role("link", name="Vera")).to_have_count(0)  # their account is theirs
        desk.see_no_figures()
        desk.keep("eyes")
        kept = page.evaluate("[...Object.values(localStorage), ...Object.values(sessionStorage)].join()")
        assert "ey" not in kept
        banner.get_by_role("button", name="End it").click()
        expect(banner).to_be_hidden()
        expect(page.locator("#person")).to_have_text("Sam Body")
        [(ended,)] = desk.firm.sql(
            "select ended_at is not null from impersonations where user_id = %s", colleague.id
        )
        assert ended
        assert desk.visit.api("/auth/me")["data"]["user"]["email"] == owner.email
        desk.see_no_figures()

    def test_when_nobody_can_say_whose_they_are_they_stay_shut(self, desk, somebody):
        owner, colleague = somebody(a="owner"), somebody(a="viewer")
        page = desk.enter(owner)
        eyes = part(page, "Look with other eyes")
        eyes.get_by_label("Whose").select_option(str(colleague.id))
        eyes.get_by_label("Reason").fill("You told us that the list of vans is empty.")
        page.route("**/api/v1/auth/me", lambda route: route.fulfill(status=503, json={}))
        with page.expect_response("**/api/v1/auth/logout"):
            page.keyboard.press("Enter")
        page.unroute("**/api/v1/auth/me")
        expect(page.locator("#eyes")).to_be_hidden()
        [(ended,)] = desk.firm.sql(
            "select ended_at is not null from impersonations where user_id = %s", colleague.id
        )
        assert ended
        with page.expect_response("**/api/v1/auth/sessions") as told:
            page.reload()
        assert "authorization" not in told.value.request.headers
        expect(page.locator("#person")).to_have_text("Sam Body")
        desk.visit.expects("503")

    def test_when_it_is_over_one_is_oneself_again(self, desk, somebody):
        owner, colleague = somebody(a="owner"), somebody(a="viewer")
        desk.page.clock.install()
        page = desk.enter(owner)
        eyes = part(page, "Look with other eyes")
        eyes.get_by_label("Whose").select_option(str(colleague.id))
        eyes.get_by_label("Reason").fill("You told us that the list of vans is empty.")
        page.keyboard.press("Enter")
        expect(page.locator("#eyes")).to_be_visible()
        desk.see_no_figures()
        [(row_id,)] = desk.firm.sql("select id from impersonations where user_id = %s", colleague.id)
        ended = owner.client().delete(f"/api/v1/admin/impersonations/{row_id}")
        assert ended.is_success, ended.text
        page.clock.run_for(30_000)
        expect(page.locator("#eyes")).to_be_hidden()
        expect(page.locator("#board")).to_be_visible()
        assert desk.visit.api("/auth/me")["data"]["user"]["email"] == owner.email
        wait_for_figures(page)
        desk.visit.complaints.clear()  # 401 with the token that is over, 503 without a release

    def test_who_may_not_is_not_offered_it(self, desk, somebody):
        page = desk.enter(somebody(a="manager"))
        expect(part(page, "Open sessions").get_by_role("listitem")).to_have_count(1)
        expect(part(page, "Look with other eyes")).to_be_hidden()


def test_on_a_phone_and_in_the_dark(browser, desk, somebody):
    person = somebody(a="owner")
    app_of(person.client())
    plain = somebody(a="owner")
    for name, settings in (
        ("phone", {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}),
        ("dark", {"color_scheme": "dark"}),
    ):
        with visiting(browser, desk.visit.site, **settings) as visit:
            other = Desk(desk.firm, visit, desk.devices, desk.device_id)
            page = other.open("/account")
            other.keep(f"door-{name}")
            log_in(page, plain.email, PASSWORD)
            part(page, "One-time codes").get_by_role("button", name="Set up").click()
            expect(part(page, "One-time codes").get_by_role("img")).to_be_visible()
            other.keep(f"own-{name}")
