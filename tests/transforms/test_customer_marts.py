"""What customers say of the work, counted a second time in plain Python."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.transforms.line import Line
from tests.transforms.published import Published
from warehouse.metrics import MetricQuery

NEW_METRICS = (
    *("review_requests_sent", "review_requests_answered", "review_answer_share", "review_count"),
    *("good_reviews", "good_review_share", "review_rating"),
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
