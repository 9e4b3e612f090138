"""What customers say of prices and of the work, and calls with them, counted a second time in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median

import polars as pl
import pytest

from tests.transforms.demo import simulation
from tests.transforms.line import Line
from tests.transforms.published import Published
from warehouse.metrics import MetricQuery

NEW_METRICS = (
    *("review_requests_sent", "review_requests_answered", "review_answer_share", "review_count"),
    *("quotes_sent", "quote_value", "accepted_quotes", "accepted_quote_value", "ended_quotes"),
    *("quote_win_rate", "quote_decision_hours"),
    *("good_reviews", "good_review_share", "review_rating"),
    *("call_count", "answered_calls", "call_answered_share", "incoming_calls", "missed_calls"),
    *("missed_call_share", "returned_calls", "returned_call_share", "talk_time", "median_call_length"),
)


def staged(demo: Line, tenant: object, table: str) -> list[dict]:
    return demo.read(f"select * from staging.stg_{table} where tenant_id = '{tenant}'").to_dicts()


def ask(published: Published, tenant: object, *metrics: str) -> tuple:
    (answer,) = published.ask(tenant, MetricQuery(metrics)).to_pylist()
    return tuple(answer[name] for name in metrics)


@pytest.mark.parametrize("metric", NEW_METRICS)
def test_no_metric_is_empty_or_without_sides(published: Published, metric: str) -> None:
    for tenant in published.tenants:
        assert ask(published, tenant, metric)[0]
    (found,) = [each for each in published.engine.list() if each.name == metric]
    assert {"metric_time", "account__segment"} <= {dimension.name for dimension in found.dimensions}


def test_reviews_are_counted_for_the_month_in_which_customers_were_asked(
    demo: Line, published: Published
) -> None:
    for tenant in published.tenants:
        asked: dict[tuple, list[dict]] = defaultdict(list)
        for request in staged(demo, tenant, "review_requests"):
            if at := request["sent_at"] or request["answered_at"]:
                asked[at.date().replace(day=1), request["channel"]].append(request)
        rows = demo.read(f"select * from marts.reviews_monthly where tenant_id = '{tenant}'").to_dicts()
        found = {(row["month"], row["channel"]): row for row in rows}
        assert found.keys() == asked.keys()
        for cell, requests in asked.items():
            marks = [request["rating"] for request in requests if request["status"] == "answered"]
            row = found[cell]
            assert (row["asked_count"], row["answered_count"]) == (len(requests), len(marks))
            assert row["good_count"] == sum(mark >= 4 for mark in marks)
            assert row["rating_mean"] == (pytest.approx(sum(marks) / len(marks)) if marks else None)
        everything = [request for requests in asked.values() for request in requests]
        marks = [request["rating"] for request in everything if request["rating"]]
        metrics = ask(
            published, tenant, "review_requests_sent", "review_count", "good_review_share", "review_rating"
        )
        assert metrics == (
            len(everything),
            len(marks),
            pytest.approx(sum(mark >= 4 for mark in marks) / len(marks)),
            pytest.approx(sum(marks) / len(marks)),
        )


def test_quotes_are_counted_in_the_month_of_each_step_and_deleted_ones_in_none(
    demo: Line, published: Published
) -> None:
    world = simulation()
    made = next(frame for table, frame in world.tables(world.now_us) if table == "quotes")
    kept = set(made.filter(pl.col("deleted_at").is_null())["id"])
    assert 0 < len(kept) < made.height
    assert set(demo.read("select quote_id::varchar as id from marts.fct_quotes")["id"]) == kept
    for tenant in published.tenants:
        quotes = staged(demo, tenant, "quotes")
        first: dict[object, datetime] = {}
        for version in staged(demo, tenant, "quote_versions"):
            first[version["quote_id"]] = min(version["sent_at"], first.get(version["quote_id"], LATE))
        expected: Counter[tuple] = Counter()
        hours: dict[object, list[float]] = defaultdict(list)
        for quote in quotes:
            ended = quote["expires_at"] if quote["status"] == "expired" else quote["decided_at"]
            steps = {"made": quote["created_at"], "sent": quote["sent_at"], quote["status"]: ended}
            if quote["status"] == "sent":
                steps["sent"] = quote["sent_at"]
            for step, at in steps.items():
                if at is not None:
                    month = at.date().replace(day=1)
                    expected[month, f"{step}_count"] += 1
                    expected[month, f"{step}_cents"] += quote["total_cents"]
            if quote["decided_at"]:
                month = quote["decided_at"].date().replace(day=1)
                taken = quote["decided_at"] - first[quote["quote_id"]]
                hours[month].append(taken.total_seconds() / 3600)
        rows = demo.read(f"select * from marts.quotes_monthly where tenant_id = '{tenant}'").to_dicts()
        names = (
            "made_count",
            "sent_count",
            "sent_cents",
            "accepted_count",
            "accepted_cents",
            "declined_count",
        )
        names += ("declined_cents", "expired_count")
        found = Counter({(row["month"], name): row[name] for row in rows for name in names})
        assert +found == Counter({key: value for key, value in expected.items() if key[1] in names and value})
        for row in rows:
            if row["month"] in hours:
                assert row["median_decision_hours"] == pytest.approx(median(hours[row["month"]]))
        won = sum(quote["status"] == "accepted" for quote in quotes)
        ended = sum(quote["status"] in ("accepted", "declined", "expired") for quote in quotes)
        assert ask(published, tenant, "accepted_quotes", "quote_win_rate") == (
            won,
            pytest.approx(won / ended),
        )


def test_calls_are_counted_for_who_spoke_and_missed_ones_until_they_are_returned(
    demo: Line, published: Published
) -> None:
    world = simulation()
    made = next(frame for table, frame in world.tables(world.now_us) if table == "calls")
    kept = set(made.filter(pl.col("deleted_at").is_null())["id"])
    assert 0 < len(kept) < made.height
    assert set(demo.read("select call_id::varchar as id from marts.fct_calls")["id"]) == kept
    for tenant in published.tenants:
        calls = staged(demo, tenant, "calls")
        cells: dict[tuple, list[dict]] = defaultdict(list)
        called: dict[object, list[datetime]] = defaultdict(list)
        for call in calls:
            month = call["started_at"].astimezone(UTC).date().replace(day=1)
            cells[month, call["direction"], call["user_id"]].append(call)
            if call["direction"] == "outbound" and call["contact_id"]:
                called[call["contact_id"]].append(call["started_at"])
        rows = demo.read(f"select * from marts.calls_monthly where tenant_id = '{tenant}'").to_dicts()
        found = {(row["month"], row["direction"], row["user_id"]): row for row in rows}
        assert found.keys() == cells.keys()
        returned = 0
        for cell, of_cell in cells.items():
            row = found[cell]
            talks = [call["duration_s"] for call in of_cell if call["outcome"] == "answered"]
            assert (row["call_count"], row["answered_count"]) == (len(of_cell), len(talks))
            assert (row["talk_s"], row["median_talk_s"]) == (sum(talks), median(talks) if talks else None)
            unanswered = Counter(call["outcome"] for call in of_cell)
            for outcome in ("voicemail", "no_answer", "busy", "declined", "failed"):
                assert row[f"{outcome}_count"] == unanswered[outcome]
            waits = [
                min(later) - call["started_at"]
                for call in of_cell
                if call["direction"] == "inbound" and call["outcome"] != "answered"
                if (later := [at for at in called[call["contact_id"]] if at > call["started_at"]])
            ]
            hours = [wait.total_seconds() / 3600 for wait in waits if wait <= timedelta(hours=72)]
            assert row["returned_count"] == len(hours)
            assert row["median_return_hours"] == (pytest.approx(median(hours)) if hours else None)
            returned += len(hours)
        missed = sum(row["missed_count"] for row in rows)
        metrics = ask(published, tenant, "call_count", "returned_call_share", "talk_time")
        assert metrics == (
            len(calls),
            pytest.approx(returned / missed),
            sum(row["talk_s"] for row in rows),
        )


LATE = datetime(2100, 1, 1, tzinfo=UTC)
