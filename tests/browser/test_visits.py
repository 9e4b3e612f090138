"""Coming in, staying, changing the business, leaving; and what happens to an open page meanwhile."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from serve.kernel.caller import COOKIE
from tests.browser.chrome import log_in, wait_for_figures
from tests.browser.conftest import PASSWORD
from tests.browser.release import HOSTILE

pytestmark = pytest.mark.browser
REVENUE = ".tile[data-name=revenue_cents] .value"
HALF_A_MINUTE_MS = 30_000
MINUTE_MS = 60_000


def tokens_of(visit) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in visit.context.cookies()}


class TestComingIn:
    def test_a_wrong_password_is_told_in_the_apis_words(self, visit):
        visit.page.goto(visit.site.url)
        log_in(visit.page, "vera@example.com", "wrong")
        answer = visit.context.request.post(
            f"{visit.site.url}/api/v1/auth/login", data={"email": "vera@example.com", "password": "wrong"}
        )
        expect(visit.page.locator("#login .error")).to_have_text(answer.json()["error"]["message"])
        expect(visit.page.locator("#board")).to_be_hidden()
        visit.expects("401")

    def test_who_belongs_to_several_businesses_chooses_one(self, visit):
        visit.page.goto(visit.site.url)
        log_in(visit.page, "olga@example.com", PASSWORD)
        choice = visit.page.get_by_role("group", name="Businesses")
        expect(choice.get_by_role("button")).to_have_text([f"Alpha {HOSTILE}owner", "Beta Shopviewer"])
        choice.get_by_role("button", name="Beta Shop").click()
        expect(visit.page.locator(REVENUE)).to_have_text("$23.10")
        expect(visit.page.locator("#tenant")).to_have_value("beta")

    def test_a_visit_without_a_session_asks_the_api_nothing(self, visit):
        asked: list[str] = []
        visit.page.on("request", lambda request: asked.append(request.url))
        visit.page.goto(visit.site.url)
        expect(visit.page.locator("#login")).to_be_visible()
        assert [url for url in asked if "/api/" in url] == []

    def test_a_role_that_may_see_little_is_told_so_and_sees_it(self, visit):
        visit.enter("tim@example.com")
        expect(visit.page.locator("#maintenance .risks > li")).to_have_count(1)
        for panel in ("#kpis", "#forecast", "#roi"):
            expect(visit.page.locator(panel)).to_contain_text(
                re.compile(r"The role technician has no permission analytics:read\. \(request .+\)")
            )
        visit.expects("403")


class TestStaying:
    def test_a_reload_keeps_the_session(self, visit):
        visit.enter()
        visit.page.reload()
        expect(visit.page.locator(REVENUE)).to_have_text("€3,000")
        expect(visit.page.locator("#person")).to_have_text("Vera Viewer")

    def test_another_business_shows_its_own_figures(self, visit):
        visit.page.goto(visit.site.url)
        log_in(visit.page, "olga@example.com", PASSWORD)
        visit.page.get_by_role("button", name="Alpha").click()
        expect(visit.page.locator(REVENUE)).to_have_text("€3,000")
        visit.page.get_by_label("Business", exact=True).select_option("beta")
        expect(visit.page.locator(REVENUE)).to_have_text("$23.10")
        assert visit.api("/dashboard/kpis")["data"][0]["value"] == 2310
        expect(visit.page.get_by_text("Simulated data")).to_be_hidden()
        expect(visit.page.locator("#churn h3")).to_have_text("Beta client")

    def test_what_a_business_has_no_data_for_is_said_in_words(self, visit):
        visit.page.goto(visit.site.url)
        log_in(visit.page, "olga@example.com", PASSWORD)
        visit.page.get_by_role("button", name="Beta Shop").click()
        wait_for_figures(visit.page)
        words = {
            "#kpis": "The data of this period says nothing about: Margin,",
            "#forecast": "There is no forecast yet",
            "#money": "This business records no costs",
            "#maintenance": "No vehicle has a score.",
            "#roi": "No investment in a lead source is recorded",
            "#compliance": "No papers are recorded",
        }
        for panel, said in words.items():
            expect(visit.page.locator(f"{panel} .note")).to_contain_text(said)
        for panel in ("#maintenance", "#roi", "#compliance"):
            assert visit.page.locator(f"{panel} .body svg, {panel} .body table").count() == 0


class TestRenewing:
    def test_an_open_page_renews_its_session_before_the_token_ends(self, visit):
        visit.page.clock.install()
        page = visit.enter()
        before = tokens_of(visit)
        with page.expect_response("**/auth/refresh") as renewal:
            page.clock.run_for(9 * MINUTE_MS)
        assert renewal.value.status == 200
        after = tokens_of(visit)
        assert {name for name in after if after[name] == before[name]} == set()
        expect(page.locator(REVENUE)).to_have_text("€3,000")

    def test_a_visit_after_the_token_ended_goes_on(self, visit):
        page = visit.enter()
        visit.context.clear_cookies(name=COOKIE)  # as the browser does when its time is over
        page.reload()
        expect(page.locator(REVENUE)).to_have_text("€3,000")
        expect(page.locator("#person")).to_have_text("Vera Viewer")
        visit.expects("401")

    def test_a_page_that_slept_over_the_end_goes_on(self, visit):
        visit.page.clock.install()
        page = visit.enter()
        visit.context.clear_cookies(name=COOKIE)
        with page.expect_response("**/auth/refresh"):
            page.clock.run_for(HALF_A_MINUTE_MS)
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.locator("#login")).to_be_hidden()
        assert COOKIE in tokens_of(visit)
        visit.expects("401")


class TestLeaving:
    def test_log_out_ends_the_session_here_and_at_the_api(self, visit):
        page = visit.enter()
        page.get_by_role("button", name="Log out").click()
        expect(page.locator("#login")).to_be_visible()
        assert visit.context.request.get(f"{visit.site.url}/api/v1/dashboard/kpis").status == 401
        assert page.locator(".tile").count() == 0
        page.reload()
        expect(page.locator("#login")).to_be_visible()

    def test_a_session_that_was_ended_elsewhere_leads_back_to_the_same_business(self, visit):
        page = visit.page
        page.clock.install()
        page.goto(visit.site.url)
        log_in(page, "olga@example.com", PASSWORD)
        page.get_by_role("button", name="Beta Shop").click()
        wait_for_figures(page)
        ended = visit.context.request.post(
            f"{visit.site.url}/api/v1/auth/logout", headers={"X-Requested-With": "test"}
        )
        assert ended.ok
        page.clock.run_for(HALF_A_MINUTE_MS)
        expect(page.locator("#login .error")).to_contain_text("access token")
        assert page.locator(".tile").count() == 0
        log_in(page, "olga@example.com", PASSWORD)
        expect(page.locator(REVENUE)).to_have_text("$23.10")
        visit.expects("401")


class TestAnOpenPage:
    def test_nothing_new_costs_a_304_each_and_redraws_nothing(self, visit):
        visit.page.clock.install()
        page = visit.enter()
        tile = page.locator(".tile").first.element_handle()
        visit.settle()  # the look comes beside the figures
        visit.statuses.clear()
        with page.expect_response("**/business-intelligence/compliance-status*"):
            page.clock.run_for(HALF_A_MINUTE_MS)
        expect(page.locator(".waiting")).to_have_count(0)
        visit.settle()
        assert visit.statuses == [304] * 8
        assert tile.evaluate("tile => tile.isConnected")

    def test_a_new_release_shows_up_where_it_stands(self, visit):
        visit.page.clock.install()
        page = visit.enter()
        page.locator("#money summary").click()
        release = visit.site.publish("second", last_day_cents=99)
        try:
            while visit.api("/dashboard/kpis")["meta"]["release_id"] != release:
                pass  # the service looks at the pointer four times a second
            page.clock.run_for(HALF_A_MINUTE_MS)
            expect(page.locator(REVENUE)).to_have_text("€2,901")
            expect(page.locator("#release")).to_have_text(release)
            expect(page.locator("#news")).to_contain_text("New figures")
            expect(page.locator("#money tbody")).to_be_visible()
        finally:
            visit.site.publish("third")

    def test_while_the_server_is_away_the_last_figures_stay(self, visit):
        visit.page.clock.install()
        page = visit.enter()
        page.route("**/api/**", lambda route: route.abort())
        page.clock.run_for(HALF_A_MINUTE_MS)
        expect(page.locator("#banner")).to_contain_text("The server does not answer.")
        expect(page.locator(REVENUE)).to_have_text("€3,000")
        visit.expects("ERR_FAILED")
        page.unroute("**/api/**")
        page.clock.run_for(HALF_A_MINUTE_MS)
        expect(page.locator("#banner")).to_be_hidden()
