"""Every panel shows what the API answers, in words that a person reads."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


def exact(locator: Locator) -> list[float | None]:
    """The machine-readable values of the ``data`` elements."""
    values = locator.evaluate_all("all => all.map(each => each.value)")
    return [float(value) if value else None for value in values]


@pytest.fixture
def page(reader) -> Page:
    return reader.page


class TestKeyFigures:
    def test_each_tile_shows_the_apis_value(self, page, reader):
        kpis: list[dict[str, Any]] = reader.api("/dashboard/kpis?range=30d")["data"]
        told = [kpi for kpi in kpis if kpi["value"] is not None]
        assert exact(page.locator(".tile .value")) == [kpi["value"] for kpi in told]
        assert page.locator(".tile h3").all_inner_texts() == [kpi["label"] for kpi in told]

    def test_amounts_are_formatted_and_compared_with_the_period_before(self, page):
        tile = page.locator(".tile[data-name=revenue_cents]")
        expect(tile.locator(".value")).to_have_text("€3,000")
        expect(tile.locator(".change")).to_have_text("▲up 25% from €2,400, better")
        expect(tile.locator(".change")).to_have_class("change good")
        expect(tile.locator("svg")).to_have_attribute(
            "aria-label", "Trend, by day: €100 on 2 Jan, €100 on 31 Jan"
        )
        expect(page.locator("#kpis .about")).to_have_text(
            re.compile(r"^2\s?–\s?31 Jan 2026, compared with 3 Dec 2025 – 1 Jan 2026$")
        )

    def test_more_of_what_is_bad_is_worse(self, page):
        expect(page.locator(".tile[data-name=late_job_count] .change")).to_have_class("change bad")

    def test_the_range_changes_the_figures_and_survives_a_reload(self, visit):
        page = visit.enter()
        page.get_by_label("90d").check()
        value = page.locator(".tile[data-name=revenue_cents] .value")
        expect(value).to_have_text("€6,900")
        assert exact(value) == [visit.api("/dashboard/kpis?range=90d")["data"][0]["value"]]
        page.reload()
        expect(value).to_have_text("€6,900")
        expect(page.locator("#range input[value='90d']")).to_be_checked()


class TestMoney:
    def test_the_forecast_and_its_range(self, page, reader):
        answer = reader.api("/business-intelligence/revenue-forecast?history_days=60&horizon_days=30")["data"]
        panel = page.locator("#forecast")
        assert exact(panel.locator(".headline data")) == [answer["forecast_total_cents"]]
        expect(panel.locator(".headline")).to_have_text("€2,520 expected in the 28 days to 28 Feb 2026")
        expect(panel.locator(".about")).to_contain_text(
            "ETS, made on 1 Feb 2026. Error on past days (MASE) 0.80"
        )
        expect(panel.locator("path.band")).to_have_attribute("d", re.compile("^M.*Z$"))
        panel.get_by_text("Show the numbers").click()
        rows = panel.locator("tbody tr")
        expect(rows).to_have_count(len(answer["days"]))
        expect(rows.first).to_have_text("Wed, 3 Dec 2025–€80.00–")
        expect(rows.last).to_have_text("Sat, 28 Feb 2026€80.00 – €100–€90.00")

    def test_revenue_cost_and_margin(self, page, reader):
        answer = reader.api("/business-intelligence/revenue-cost-margin?range=30d&grain=day")["data"]
        panel = page.locator("#money")
        names = ("revenue_cents", "cost_cents", "margin_cents")
        assert exact(panel.locator(".facts data")) == [answer["totals"][name] for name in names]
        assert panel.locator("g.revenue rect").count() == len(answer["series"])
        costs = sorted((each["cost_cents"] for each in answer["categories"]), reverse=True)
        assert exact(panel.locator(".bars data")) == costs
        expect(panel.locator(".bars li").first).to_contain_text("Cost of sales")

    def test_arrow_keys_read_the_chart(self, page):
        chart = page.locator("#money .chart")
        chart.locator("svg").focus()
        page.keyboard.press("ArrowLeft")
        expect(chart.locator(".readout")).to_have_text(
            "Sat, 31 Jan 2026  ·  Revenue €100  ·  Cost €40.00  ·  Margin €60.00"
        )


class TestLists:
    def test_the_pulse(self, page, reader):
        answer = reader.api("/business-intelligence/operational-pulse")["data"]
        judged = [measure for measure in answer["measures"] if measure["state"] != "unknown"]
        panel = page.locator("#pulse")
        assert exact(panel.locator(".measures data")) == [measure["value"] for measure in judged]
        assert answer["level"] in panel.locator(".level").inner_text().lower()
        expect(panel.locator("[data-name=late_job_count] svg")).to_have_attribute(
            "aria-label", "worse than usual: 5 spreads from the usual 1"
        )

    def test_clients_at_risk_with_reasons_in_words(self, page, reader):
        clients = reader.api("/business-intelligence/churn-risk?limit=6")["data"]
        items = page.locator("#churn .risks > li")
        assert items.evaluate_all("all => all.map(each => each.dataset.id)") == [
            each["account_id"] for each in clients
        ]
        assert exact(items.locator(".score data")) == [each["churn_score"] for each in clients]
        expect(items.first.locator(".reasons")).to_have_text(
            "Raises the risk: 90 days since the last invoice"
        )
        expect(items.first.locator(".stake")).to_have_text(
            "€50.00 a month · €600 in a year · Last activity 20 Jan 2026"
        )
        expect(items.last.locator("h3")).to_have_text("Client 000003")

    def test_maintenance(self, page, reader):
        (vehicle,) = reader.api("/fleet/maintenance/forecast")["data"]
        item = page.locator("#maintenance .risks > li")
        assert exact(item.locator(".score data")) == [vehicle["failure_score"]]
        expect(item.locator(".score")).to_have_text("High70%")
        expect(item.locator(".reasons")).to_contain_text("vibration rising by 0.3 mm/s a day for 14 days")
        expect(item.locator(".stake")).to_have_text("Inspect by 15 Feb 2026 · waiting costs €900 on average")
        expect(page.locator("#maintenance .about")).to_have_text("1 vehicle by chance to fail within 14 days")

    def test_return_on_investment_by_kind_and_time(self, page, reader):
        panel = page.locator("#roi")
        answer = reader.api("/analytics/roi/calculation?subject_kind=lead_source&timeframe=12m")["data"]
        expected = [row[name] for row in answer["rows"] for name in ("investment_cents", "return_cents")]
        invested = exact(panel.locator("tbody td:nth-of-type(1) data, tbody td:nth-of-type(2) data"))
        assert invested == expected
        expect(panel.locator("tbody tr").first).to_have_text("Webinar€2.00€3.00€1.00+50%in 1 month")
        expect(panel.locator("tfoot tr")).to_have_text("All 2 lead sources€4.00€4.00€0.000%")
        panel.get_by_label("Investments in").select_option("vehicle")
        expect(panel.locator("tbody tr")).to_have_count(1)
        expect(panel.locator("tbody tr")).to_have_text("B-TL 1€5.00–––not yet")
        expect(panel.locator(".note")).to_have_text(
            "€5.00 of the investment has no recorded return; profit and ROI leave it out."
        )
        panel.get_by_label("Investments in").select_option("campaign")
        expect(panel.locator(".note")).to_have_text(
            "No investment in a campaign is recorded in these months."
        )
        panel.get_by_label("Investments in").select_option("lead_source")
        panel.get_by_label("Months").select_option("24m")
        expect(panel.locator("tbody tr")).to_have_count(2)

    def test_compliance(self, page, reader):
        answer = reader.api("/business-intelligence/compliance-status")["data"]
        panel = page.locator("#compliance")
        states = ("valid", "expiring", "expired")
        assert exact(panel.locator(".states data")) == [answer[state] for state in states]
        expect(panel.locator(".papers li").first).to_contain_text("expired 3 days ago28 Jan 2026")

    def test_where_the_figures_come_from(self, page, reader):
        meta = reader.api("/dashboard/kpis")["meta"]
        expect(page.locator("#release")).to_have_text(meta["release_id"])
        expect(page.locator("#as-of")).to_have_text("31 Jan 2026")
        expect(page.locator("#currency")).to_have_text("euros")
        expect(page.get_by_text("Simulated data")).to_be_visible()


def test_a_business_that_is_younger_than_the_release_sees_empty_figures(visit):
    page = visit.enter("yuri@example.com")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#as-of")).to_have_text("31 Jan 2026")
    expect(page.locator("#currency")).to_have_text("–")
    expect(page.locator("#kpis .note")).to_have_text(
        re.compile("^The data of this period says nothing about: ")
    )
    expect(page.locator(".note.problem")).to_have_count(0)
