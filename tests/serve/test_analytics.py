"""Answers equal numbers computed by hand from ``small_release``, for each tenant its own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.serve.small_release import B

API = "/api/v1"


def get(client: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    response = client.get(f"{API}{path}", params=params)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["success"] is True
    return body


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows}


class TestKpis:
    def test_values_changes_and_trend_of_30_days(self, owner):
        body = get(owner, "/dashboard/kpis")
        kpis = by_name(body["data"])
        revenue = kpis["revenue_cents"]
        assert (revenue["value"], revenue["previous"]) == (300_000, 240_000)
        assert (revenue["change"], revenue["change_share"]) == (60_000, 0.25)
        assert len(revenue["series"]) == 30
        assert revenue["series"][0] == {"date": "2026-01-02", "value": 10_000}
        assert kpis["margin_share"]["value"] == pytest.approx(180_000 / 300_000)
        assert (kpis["mrr_cents"]["value"], kpis["mrr_cents"]["previous"]) == (50_000, 40_000)
        assert kpis["lead_win_rate"]["value"] == 0.25
        assert kpis["downtime_h"]["value"] == 15.0
        meta = body["meta"]
        assert meta["period"] == {
            "range": "30d",
            "start": "2026-01-02",
            "end": "2026-01-31",
            "compared_to": {"start": "2025-12-03", "end": "2026-01-01"},
        }
        assert (meta["as_of"], meta["currency"], meta["simulated"]) == ("2026-01-31", "EUR", True)

    def test_compared_with_the_year_before(self, owner):
        revenue = by_name(get(owner, "/dashboard/kpis", compare="previous_year")["data"])["revenue_cents"]
        assert revenue["previous"] == 150_000

    def test_compared_with_nothing(self, owner):
        revenue = by_name(get(owner, "/dashboard/kpis", compare="none")["data"])["revenue_cents"]
        assert (revenue["value"], revenue["previous"], revenue["change_share"]) == (300_000, None, None)

    def test_custom_range_of_three_days(self, owner):
        body = get(owner, "/dashboard/kpis", range="custom", start="2026-01-01", end="2026-01-03")
        assert by_name(body["data"])["revenue_cents"]["value"] == 8_000 + 10_000 + 10_000

    def test_what_a_tenant_does_not_record_is_empty_not_zero(self, as_caller):
        kpis = by_name(get(as_caller(B), "/dashboard/kpis")["data"])
        assert kpis["revenue_cents"]["value"] == 77 * 30
        assert kpis["downtime_h"]["value"] is None
        assert kpis["margin_cents"]["value"] is None


class TestSections:
    def test_all_sections(self, owner):
        data = get(owner, "/dashboard/metrics")["data"]
        assert set(data) == {"finance", "jobs", "leads", "campaigns", "fleet", "service"}
        assert data["finance"]["revenue_cents"] == {"value": 300_000, "previous": 240_000, "unit": "cents"}
        assert data["jobs"]["late_job_count"]["value"] == 29 + 6
        assert data["campaigns"]["send_count"] == {"value": 2, "previous": 1, "unit": "count"}
        assert data["campaigns"]["open_rate"]["value"] == 0.5
        assert data["fleet"]["fuel_cents_per_km"]["value"] == 7.0
        assert data["service"]["median_first_response_hours"]["value"] == 3.0
        assert data["service"]["satisfaction_mean"]["value"] == 4.5

    def test_only_those_asked_for(self, owner):
        assert set(get(owner, "/dashboard/metrics", sections="jobs,fleet")["data"]) == {"jobs", "fleet"}

    def test_an_unknown_section_is_named(self, owner):
        response = owner.get(f"{API}/dashboard/metrics?sections=jobs,moon")
        assert response.status_code == 422
        assert "moon" in response.json()["error"]["details"][0]["message"]


class TestSeries:
    def test_by_month_with_a_first_step_cut_short(self, owner):
        body = get(owner, "/analytics", range="90d", grain="month", metrics="revenue_cents,lead_count")
        revenue, leads = body["data"]["series"]
        assert [point["date"] for point in revenue["points"]] == [
            "2025-11-03",
            "2025-12-01",
            "2026-01-01",
        ]
        assert revenue["points"][2]["value"] == 30 * 10_000 + 8_000
        assert revenue["total"] == 30 * 10_000 + 30 * 8_000 + 30 * 5_000
        assert leads["total"] == 180


class TestIntelligence:
    def test_pulse_judges_the_last_day_by_its_weekday(self, owner):
        data = get(owner, "/business-intelligence/operational-pulse")["data"]
        measures = by_name(data["measures"])
        assert (data["day"], data["weekday"], data["level"]) == ("2026-01-31", "Saturday", "watch")
        assert (measures["job_count"]["state"], measures["job_count"]["usual"]) == ("better", 10)
        assert (measures["late_job_count"]["state"], measures["late_job_count"]["deviation"]) == (
            "worse",
            5.0,
        )
        assert measures["lead_count"]["state"] == "usual"
        assert data["reasons"][0] == (
            "Late jobs on Saturday 2026-01-31: 500 % above what is usual on a Saturday."
        )

    def test_churn_list_with_reasons_and_pages(self, owner):
        body = get(owner, "/business-intelligence/churn-risk", per_page=2)
        assert [row["churn_score"] for row in body["data"]] == [0.9, 0.5]
        assert body["data"][0]["reasons"] == [
            {"feature": "days_since_last_invoice", "value": 90, "effect": 1.5}
        ]
        meta = body["meta"]
        assert (meta["page"], meta["per_page"], meta["total"], meta["total_pages"]) == (1, 2, 3, 2)
        assert (meta["limit"], meta["offset"]) == (2, 0)

    @pytest.mark.parametrize("words", [{"page": 2, "per_page": 2}, {"offset": 2, "limit": 2}])
    def test_both_ways_to_ask_for_the_second_page(self, owner, words):
        body = get(owner, "/business-intelligence/churn-risk", **words)
        assert [row["churn_score"] for row in body["data"]] == [0.1]

    def test_churn_filters_and_sorting(self, owner):
        path = "/business-intelligence/churn-risk"
        assert [row["risk_band"] for row in get(owner, path, band="medium")["data"]] == ["medium"]
        assert get(owner, path, min_score=0.5)["meta"]["total"] == 2
        by_mrr = get(owner, path, sort="-mrr_cents")["data"]
        assert [row["mrr_cents"] for row in by_mrr] == [9000, 5000, -1]

    def test_a_page_past_the_end_still_knows_the_total(self, owner):
        body = get(owner, "/business-intelligence/churn-risk", page=9)
        assert (body["data"], body["meta"]["total"]) == ([], 3)

    def test_revenue_cost_margin(self, owner):
        data = get(owner, "/business-intelligence/revenue-cost-margin", range="7d")["data"]
        assert data["totals"] == {
            "revenue_cents": 70_000,
            "cost_cents": 28_000,
            "margin_cents": 42_000,
            "margin_share": 0.6,
        }
        assert data["previous"]["revenue_cents"] == 70_000
        assert {row["category"]: row["cost_cents"] for row in data["categories"]} == {
            "sales": 21_000,
            "fuel": 7_000,
        }
        assert len(data["series"]) == 7
        assert data["series"][0]["date"] == "2026-01-25"

    def test_unknown_costs_leave_the_margin_empty(self, as_caller):
        data = get(as_caller(B), "/business-intelligence/revenue-cost-margin")["data"]
        assert data["totals"] == {
            "revenue_cents": 77,
            "cost_cents": None,
            "margin_cents": None,
            "margin_share": None,
        }

    def test_forecast_beside_history_with_its_backtest(self, owner):
        data = get(owner, "/business-intelligence/revenue-forecast", history_days=2, horizon_days=3)["data"]
        assert [(day["date"], day["kind"]) for day in data["days"]] == [
            ("2026-01-30", "history"),
            ("2026-01-31", "history"),
            ("2026-02-01", "forecast"),
            ("2026-02-02", "forecast"),
            ("2026-02-03", "forecast"),
        ]
        assert data["forecast_total_cents"] == 27_000
        assert data["model"]["model_name"] == "ets"
        assert data["model"]["backtest"] == {"mase": 0.8}
        assert data["model"]["baseline"] == {"mase": 1.0}

    def test_no_forecast_is_said_plainly(self, as_caller):
        data = get(as_caller(B), "/business-intelligence/revenue-forecast")["data"]
        assert (data["model"], data["forecast_total_cents"]) == (None, None)

    def test_compliance(self, owner):
        body = get(owner, "/business-intelligence/compliance-status", state="valid")
        data = body["data"]
        assert (data["valid"], data["expiring"], data["expired"], data["compliant_share"]) == (2, 1, 1, 0.75)
        assert [paper["days_left"] for paper in data["documents"]] == [90, 200]
        assert body["meta"]["total"] == 2

    def test_top_enterprise_clients_are_ranked_among_themselves(self, owner):
        path = "/business-intelligence/top-enterprise-clients"
        rows = get(owner, path)["data"]
        assert [(row["rank"], row["overall_rank"], row["account_name"]) for row in rows] == [
            (1, 1, "Big"),
            (2, 3, "Third"),
        ]
        assert get(owner, path, segment="all")["meta"]["total"] == 3


class TestRoi:
    def test_rows_and_totals_of_twelve_months(self, owner):
        data = get(owner, "/analytics/roi/calculation")["data"]
        source, vehicle = data["totals"]
        assert (source["investment_cents"], source["return_cents"], source["profit_cents"]) == (400, 400, 0)
        assert source["subject_count"] == 2
        assert (vehicle["roi"], vehicle["untraced_investment_cents"]) == (None, 500)
        webinar = data["rows"][0]
        assert (webinar["subject_name"], webinar["profit_cents"], webinar["roi"]) == ("Webinar", 100, 0.5)
        assert webinar["payback_months"] == 1
        assert data["formula"]["roi"].startswith("(return_cents - investment_cents) / investment_cents")

    def test_one_month_of_one_kind(self, owner):
        body = get(
            owner, "/analytics/roi/calculation", timeframe="1m", subject_kind="lead_source", sort="roi"
        )
        assert [row["roi"] for row in body["data"]["rows"]] == [-0.5, 1.5]
        assert body["meta"]["period"] == {
            "range": "1m",
            "start": "2026-01-01",
            "end": "2026-01-31",
            "compared_to": None,
        }


class TestFleet:
    def test_operational_costs(self, owner):
        data = get(owner, "/fleet-operational-costs")["data"]
        assert data["totals"]["total_cents"] == 1300 + 500 + 900
        # Only the months whose distance is known: (1300 + 900) / 200 km.
        assert data["totals"]["cost_per_km_cents"] == 11.0
        assert [month["month"] for month in data["months"]] == ["2025-12-01", "2026-01-01"]
        assert [row["registration"] for row in data["vehicles"]] == ["B-TL 1", "B-TL 2"]
        assert data["vehicles"][0]["total_cents"] == 2200

    def test_fuel(self, owner):
        totals = get(owner, "/fuel-cost-metrics")["data"]["totals"]
        assert totals == {
            "litres": 80.0,
            "cost_cents": 12_000,
            "distance_km": 1000.0,
            "l_per_100km": 8.0,
            "price_per_l_cents": 150.0,
        }

    def test_downtime(self, owner):
        totals = get(owner, "/downtime-metrics")["data"]["totals"]
        assert (totals["downtime_h"], totals["failure_count"], totals["availability_share"]) == (
            100.0,
            2,
            0.9,
        )

    def test_a_tenant_without_vehicles(self, as_caller):
        body = get(as_caller(B), "/downtime-metrics")
        assert (body["data"]["vehicles"], body["data"]["months"], body["meta"]["total"]) == ([], [], 0)

    def test_assets(self, owner):
        upkeep = get(owner, "/assets/maintenance-costs", range="1m")
        assert [(row["registration"], row["maintenance_cents"]) for row in upkeep["data"]] == [
            ("B-TL 1", 300),
            ("B-TL 2", 0),
        ]
        assert upkeep["data"][0]["maintenance_per_km_cents"] == 3.0
        costs = get(owner, "/assets/operational-costs", sort="registration", per_page=1)
        assert costs["data"][0]["registration"] == "B-TL 1"
        assert costs["meta"]["total"] == 2

    def test_maintenance_forecast(self, owner):
        (row,) = get(owner, "/fleet/maintenance/forecast")["data"]
        assert (row["failure_score"], row["recommended_by_date"]) == (0.7, "2026-02-15")
        assert row["as_of_at"] == "2026-02-01T00:00:00Z"
        assert row["reasons"][0]["feature"] == "vibration_slope_14d"
        assert get(owner, "/fleet/maintenance/forecast", min_score=0.8)["data"] == []
