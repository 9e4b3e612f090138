"""Promises kept and broken, backlog and pauses of tickets, counted a second time in plain Python."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date

import pytest

from tests.transforms.line import Line
from tests.transforms.published import Published
from warehouse.metrics import MetricQuery

NEW_METRICS = (
    *("first_replies_in_time", "first_replies_judged", "first_reply_in_time_share", "sla_paused_hours"),
    *("resolutions_in_time", "resolutions_judged", "resolution_in_time_share", "sla_breaches"),
    *("resolved_tickets", "ticket_reopenings", "first_response_p90_hours"),
    *("reply_p90_hours", "answered_leads", "leads_within_hour", "reply_within_hour_share"),
    *("qualified_leads", "qualified_share"),
)


def staged(demo: Line, tenant: object, table: str) -> list[dict]:
    return demo.read(f"select * from staging.stg_{table} where tenant_id = '{tenant}'").to_dicts()


@pytest.mark.parametrize("metric", NEW_METRICS)
def test_no_metric_is_empty_or_without_sides(published: Published, metric: str) -> None:
    values = [
        published.ask(tenant, MetricQuery((metric,))).to_pylist()[0][metric] for tenant in published.tenants
    ]
    assert all(value is not None for value in values)
    assert any(values)
    (found,) = [each for each in published.engine.list() if each.name == metric]
    assert {"metric_time", "member__role"} <= {dimension.name for dimension in found.dimensions}


def test_what_was_promised_is_judged_by_what_the_store_noted(demo: Line, published: Published) -> None:
    for tenant in published.tenants:
        expected: Counter[tuple[str, str]] = Counter()
        for ticket in staged(demo, tenant, "tickets"):
            for clock, is_stopped in (
                ("first_reply", ticket["first_response_at"] is not None),
                ("resolution", ticket["status"] in ("resolved", "closed")),
            ):
                is_late = ticket[f"{clock}_breached_at"] is not None
                expected[clock, "breached" if is_late else "met" if is_stopped else "running"] += 1
        rows = demo.read(
            "select clock, sum(met_count)::int as met, sum(breached_count)::int as breached,"
            " sum(running_count)::int as running from marts.sla_monthly"
            f" where tenant_id = '{tenant}' group by clock"
        ).to_dicts()
        found = Counter(
            {(row["clock"], state): row[state] for row in rows for state in ("met", "breached", "running")}
        )
        assert +found == expected
        metrics = ("first_replies_in_time", "resolutions_in_time", "sla_breaches")
        (answer,) = published.ask(tenant, MetricQuery(metrics)).to_pylist()
        assert tuple(answer.values()) == (
            expected["first_reply", "met"],
            expected["resolution", "met"],
            expected["first_reply", "breached"] + expected["resolution", "breached"],
        )


def test_the_backlog_is_what_is_not_resolved_at_the_months_end(demo: Line, published: Published) -> None:
    for tenant in published.tenants:
        tickets = staged(demo, tenant, "tickets")
        months = demo.read(
            "select month, sum(backlog_count)::int as backlog, sum(opened_count)::int as opened,"
            f" sum(resolved_count)::int as resolved from marts.tickets_monthly where tenant_id = '{tenant}'"
            " group by month order by month"
        ).to_dicts()
        assert len(months) > 20
        for row in months:
            first = row["month"]
            after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
            assert row["backlog"] == sum(
                ticket["opened_at"].date() < after
                and not (ticket["resolved_at"] and ticket["resolved_at"].date() < after)
                for ticket in tickets
            )
        assert sum(row["opened"] for row in months) == len(tickets)


def test_pauses_are_the_time_in_which_the_customer_had_the_word(demo: Line) -> None:
    """Of the tickets that are done, and were never opened again: from each answer of ours to what came next."""
    paused = dict(
        demo.read(
            "select ticket_id, paused_hours from marts.fct_ticket_clocks where clock = 'resolution'"
        ).rows()
    )
    changes: dict[object, list] = {}
    for row in demo.read("select * from staging.stg_ticket_status_changes order by changed_at").to_dicts():
        changes.setdefault(row["ticket_id"], []).append((row["changed_at"], row["status"]))
    seen = 0
    for ticket in demo.read("select * from staging.stg_tickets").to_dicts():
        if ticket["status"] in ("resolved", "closed"):
            history = changes[ticket["ticket_id"]]
            hours = sum(
                (after - at).total_seconds() / 3600
                for (at, status), (after, _) in itertools.pairwise(history)
                if status == "pending" and at < ticket["resolved_at"]
            )
            assert paused[ticket["ticket_id"]] == pytest.approx(hours)
            seen += hours > 0
    assert seen > 20


def test_a_merged_ticket_is_told_once(line: Line) -> None:
    tenant, kept, merged = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
    ticket = {
        "tenant_id": tenant,
        "account_id": tenant,
        "priority": "high",
        "status": "closed",
        "opened_at": "2026-03-02 08:00:00+00",
    }
    line.load("tickets", [ticket | {"id": kept}, ticket | {"id": merged}])
    line.build("stg_tickets", "fct_tickets")
    assert line.read("select count(*) from marts.fct_tickets").item() == 2
    line.load("tickets", [ticket | {"id": merged, "merged_into_id": kept}])
    line.build("stg_tickets", "fct_tickets")
    assert line.read("select ticket_id from marts.fct_tickets").rows() == [(kept,)]
    line.load("tickets", [ticket | {"id": merged}])  # the merge is undone
    line.build("stg_tickets", "fct_tickets")
    assert line.read("select count(*) from marts.fct_tickets").item() == 2
