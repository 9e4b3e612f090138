"""Tickets as they are worked on: nothing before its cause, and every promise as the service would have reckoned it."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest

from pipelines.demo.draw import DAY_US
from serve.crm.sla.clocks import clocks_of
from serve.crm.sla.hours import calendar_of, open_on
from serve.crm.sla.rules import policy_for
from serve.crm.tickets.rules import NEXT

SECOND = timedelta(seconds=1)


def rows_of(frame: pl.DataFrame, key: str) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for row in frame.iter_rows(named=True):
        found.setdefault(row[key], []).append(row)
    return found


@pytest.fixture(scope="module")
def histories(tables):
    """(since when, which status) of each ticket, the oldest first."""
    changes = rows_of(tables["ticket_status_changes"].sort("changed_at"), "ticket_id")
    return {ticket: [(row["changed_at"], row["status"]) for row in rows] for ticket, rows in changes.items()}


def test_a_status_follows_from_the_one_before_and_the_last_one_is_the_tickets(tables, histories):
    for ticket in tables["tickets"].iter_rows(named=True):
        history = histories[ticket["id"]]
        assert history[0] == (ticket["opened_at"], "open")
        for (before, was), (after, status) in pairwise(history):
            assert before < after
            assert status in NEXT[was]
        assert history[-1][1] == ticket["status"]
        done = [at for at, status in history if status == "resolved"]
        assert ticket["resolved_at"] == (done[-1] if ticket["status"] in ("resolved", "closed") else None)
        assert ticket["reopened_count"] == max(len(done) - (ticket["resolved_at"] is not None), 0)


def test_the_first_public_reply_of_the_staff_is_the_first_response(tables):
    replies = rows_of(tables["ticket_replies"].sort("created_at"), "ticket_id")
    for ticket in tables["tickets"].iter_rows(named=True):
        said = replies.get(ticket["id"], [])
        assert all(reply["created_at"] >= ticket["opened_at"] for reply in said)
        first = [r["created_at"] for r in said if (r["kind"], r["author"]) == ("public", "staff")]
        assert ticket["first_response_at"] == (first[0] if first else None)


def test_some_answer_in_working_time_and_some_outside_of_it(tables):
    calendars = {row["tenant_id"]: calendar_of(read(row)) for row in tables["business_calendars"].to_dicts()}
    answered = tables["tickets"].drop_nulls("first_response_at")
    outside = sum(
        not is_open(calendars[tenant], at)
        for tenant, at in answered.select("tenant_id", "first_response_at").iter_rows()
    )
    assert 0.05 < outside / answered.height < 0.5


def is_open(calendar, at):
    return any(opens <= at < closes for opens, closes in open_on(calendar, at.date()))


def read(row):
    return row | {"hours": json.loads(row["hours"]), "closed_days": [], "subdivision": None}


@pytest.mark.parametrize("later_days", [0, 8])
def test_the_promises_are_those_of_the_service(simulation, tables, histories, later_days):
    """At the end of the last day, and as the same tickets look some days later."""
    now_us = simulation.now_us + later_days * DAY_US
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    known = dict(simulation.tables(now_us)) if later_days else tables
    changes = rows_of(known["ticket_status_changes"].sort("changed_at"), "ticket_id")
    calendars = {row["id"]: calendar_of(read(row)) for row in known["business_calendars"].to_dicts()}
    policies = rows_of(known["sla_policies"], "tenant_id")
    seen = {"first_reply": 0, "resolution": 0}
    tickets = known["tickets"].filter(
        pl.col("status").is_in(["open", "pending"])
        | (pl.col("reopened_count") > 0)
        | (pl.int_range(pl.len()) % 5 == 0)
    )
    for ticket in tickets.iter_rows(named=True):
        conditions = [each | {"channel": None, "segment": None} for each in policies[ticket["tenant_id"]]]
        policy = policy_for(conditions, ticket | {"segment": None})
        assert policy["id"] == ticket["sla_policy_id"]
        history = [(row["changed_at"], row["status"]) for row in changes[ticket["id"]]]
        calendar = calendars.get(policy["calendar_id"])
        for clock in clocks_of(policy, calendar, ticket, history, now):
            for name, expected in (("due_at", clock.due_at), ("breached_at", clock.breached_at)):
                found = ticket[f"{clock.name}_{name}"]
                assert (found is None) == (expected is None), (ticket["id"], clock, found)
                assert found is None or abs(found - expected) < SECOND, (ticket["id"], clock, found)
            seen[clock.name] += clock.breached_at is not None
    assert min(seen.values()) > 10


def test_people_are_told_of_every_breach_when_it_comes_and_warned_before(tables, simulation):
    tickets = {row["id"]: row for row in tables["tickets"].to_dicts()}
    told = {
        (row["ticket_id"], row["clock"], row["level"]): row for row in tables["ticket_escalations"].to_dicts()
    }
    for ticket, row in tickets.items():
        for clock in ("first_reply", "resolution"):
            breached = row[f"{clock}_breached_at"]
            breach = told.get((ticket, clock, "breach"))
            assert (breach and breach["due_at"]) == breached
            if breach and (warning := told.get((ticket, clock, "warning"))):
                assert warning["told_at"] <= breach["told_at"]
    assert {level for _, _, level in told} == {"warning", "breach"}
    assert all(row["told_at"] > tickets[key[0]]["opened_at"] for key, row in told.items())


def test_the_steps_of_a_lead_follow_each_other_and_belong_to_its_status(tables):
    leads = tables["leads"]
    for before, after in (
        ("created_at", "contacted_at"),
        ("contacted_at", "qualified_at"),
        ("qualified_at", "won_at"),
    ):
        assert leads.filter(pl.col(before) > pl.col(after)).is_empty(), (before, after)
    assert leads.filter(
        pl.col("status").is_in(["qualified", "won"]) & pl.col("qualified_at").is_null()
    ).is_empty()
    assert leads.filter((pl.col("status") == "new") & pl.col("contacted_at").is_not_null()).is_empty()
    assert leads["owner_id"].null_count() == 0
    assert leads["owner_id"].n_unique() > 10
