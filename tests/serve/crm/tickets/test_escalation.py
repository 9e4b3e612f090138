"""Tickets that become late: who is told, what follows, and that nothing happens twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from serve.crm.tickets import queries
from serve.crm.tickets.escalation import queue_due
from tests.serve.crm.tickets.test_service_levels import owner as owner  # the fixtures
from tests.serve.crm.tickets.test_service_levels import promise as promise
from tests.serve.crm.tickets.test_service_levels import read
from tests.serve.crm.tickets.test_tickets import TICKETS, act


@pytest.fixture
def clock(firm):
    """``clock(minutes)``: so many minutes from now, the worker looks and works; how many tickets it took."""

    def turn(minutes: float) -> int:
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        queued = firm.running.wait_for(queue_due(firm.running.app.state.worker_database, moment))
        firm.work()
        return queued

    return turn


def news(client, ticket):
    """(title, priority) of what the person was told of the ticket, oldest first."""
    found = client.get("/api/v1/notifications", params={"entity_type": "ticket", "per_page": 100}).json()[
        "data"
    ]
    return [(row["title"], row["priority"]) for row in reversed(found) if row["entity_id"] == ticket["id"]]


def happened(firm, ticket):
    return [name for name, *_ in firm.events(ticket["id"])]


class TestTelling:
    def test_first_a_warning_then_the_breach_each_once(self, firm, agent, ticket, promise, clock):
        promise(is_default=True, warn_before_minutes=15, resolution_minutes=None)
        mine = str(firm.people[firm.a, "agent"])
        made = ticket(assignee_id=mine)
        assert clock(30) == 0
        assert [clock(46), clock(47), clock(48)] == [1, 0, 0]
        number = made["number"]
        assert news(agent, made) == [(f"Ticket {number} must be answered soon", "high")]
        assert [clock(61), clock(62), clock(600)] == [1, 0, 0]
        assert news(agent, made)[1:] == [(f"Ticket {number} was not answered in time", "urgent")]
        late = read(agent, made)
        assert (late["is_breached"], late["first_reply_breached_at"]) == (True, made["first_reply_due_at"])
        assert happened(firm, made).count("ticket.breached") == 1
        told = agent.get(f"{TICKETS}/{made['id']}/sla").json()["data"]["told"]
        assert [(each["level"], each["told_count"]) for each in told] == [("warning", 1), ("breach", 1)]

    def test_who_leads_is_told_where_nobody_looks_after_it(self, firm, agent, ticket, promise, clock):
        promise(is_default=True)
        made = ticket()
        clock(61)
        assert len(news(firm.client("manager"), made)) == 1
        assert news(agent, made) == []

    def test_the_policys_people_are_told_and_its_consequences_come_once(
        self, firm, agent, ticket, promise, clock
    ):
        technician, manager = (str(firm.people[firm.a, role]) for role in ("technician", "manager"))
        policy = promise(
            priority="normal", notify_user_ids=[technician], raises_priority=True, reassign_to_id=manager
        )
        made = ticket()
        clock(61)
        late = read(agent, made)
        assert (late["priority"], late["assignee_id"]) == ("high", manager)
        assert late["sla_policy_id"] == policy["id"]  # still the promise that was missed
        assert len(news(firm.client("technician"), made)) == 1
        clock(481)
        after = read(agent, made)
        assert after["priority"] == "high"
        assert happened(firm, made).count("ticket.escalated") == 1
        assert happened(firm, made).count("ticket.breached") == 2
        assert len(news(firm.client("technician"), made)) == 2

    def test_who_gets_a_late_ticket_is_told_and_whoever_keeps_it_is_not(self, firm, ticket, promise, clock):
        receiver, keeper = firm.client("manager"), firm.client("viewer")
        to = {"reassign_to_id": str(firm.people[firm.a, "manager"])}
        promise(priority="normal", resolution_minutes=None, **to)
        promise(priority="high", resolution_minutes=None, raises_priority=True)
        given = ticket(assignee_id=str(firm.people[firm.a, "viewer"]))
        kept = ticket(assignee_id=str(firm.people[firm.a, "viewer"]), priority="high")
        clock(61)
        firm.deliver()
        assert ("A ticket was given to you", "normal") in news(receiver, given)
        # When each was opened, and that it is late.
        assert len(news(keeper, given)) == len(news(keeper, kept)) == 2

    def test_what_was_answered_or_waits_is_left_alone(self, firm, agent, ticket, promise, clock):
        promise(is_default=True, resolution_minutes=None)
        answered, waits, gone = ticket(), ticket(), ticket()
        act(agent, answered, "replies", body="Here")
        agent.patch(f"{TICKETS}/{waits['id']}", json={"status": "pending"})
        agent.delete(f"{TICKETS}/{gone['id']}")
        assert clock(61) == 0
        agent.patch(f"{TICKETS}/{waits['id']}", json={"status": "open"})
        assert clock(62) == 1

    def test_one_that_was_done_and_is_late_again_is_told_again(self, firm, agent, ticket, promise, clock):
        promise(is_default=True, resolution_minutes=None, raises_priority=True)
        made = ticket(assignee_id=str(firm.people[firm.a, "agent"]))
        assert clock(61) == 1
        act(agent, made, "resolve", resolution="Was nothing")
        assert clock(62) == 0
        act(agent, made, "reopen")
        assert [clock(63), clock(64)] == [1, 0]
        assert len(news(agent, made)) == 2
        told = agent.get(f"{TICKETS}/{made['id']}/sla").json()["data"]["told"]
        assert [(each["level"], each["reopened_count"]) for each in told] == [("breach", 0), ("breach", 1)]
        assert happened(firm, made).count("ticket.breached") == 2
        assert read(agent, made)["priority"] == "urgent"  # raised each time

    def test_who_has_muted_tickets_is_left_alone(self, firm, ticket, promise, clock):
        promise(is_default=True)
        viewer, user_id = firm.client("viewer"), str(firm.people[firm.a, "viewer"])
        muted = viewer.put("/api/v1/settings/notifications", json={"muted_kinds": ["ticket"]})
        assert muted.status_code == 200, muted.text
        made = ticket(assignee_id=user_id)
        clock(61)
        assert news(viewer, made) == []


class TestNeverTwice:
    def test_several_workers_that_look_at_once_queue_it_once(self, firm, ticket, promise):
        promise(is_default=True)
        made = ticket()
        moment = datetime.now(UTC) + timedelta(minutes=61)
        database = firm.running.app.state.worker_database

        async def several():
            return await asyncio.gather(*(queue_due(database, moment) for _ in range(4)))

        assert sum(firm.running.wait_for(several())) == 1
        tasks = "select count(*) from tasks where kind = 'tickets.escalate' and entity_id = %s"
        assert firm.sql(tasks, made["id"]) == [(1,)]
        firm.work()

    def test_a_second_task_of_the_same_moment_says_nothing_more(self, firm, agent, ticket, promise, clock):
        promise(is_default=True, resolution_minutes=None)
        made = ticket(assignee_id=str(firm.people[firm.a, "agent"]))
        clock(61)
        # As if the mark had come back: a restored store, a hand that repairs.
        firm.sql("update tickets set check_at = now() where id = %s", made["id"])
        assert clock(62) == 1
        assert len(news(agent, made)) == 1
        assert happened(firm, made).count("ticket.breached") == 1

    def test_what_fails_in_the_middle_has_said_nothing_and_then_says_it_once(
        self, firm, agent, ticket, promise, clock, monkeypatch
    ):
        promise(is_default=True, resolution_minutes=None)
        made = ticket(assignee_id=str(firm.people[firm.a, "agent"]))
        count, failures = queries.count_told, iter([True])

        async def fails_once(*values):
            await count(*values)
            if next(failures, False):
                raise RuntimeError("in the middle, after everything was said")

        monkeypatch.setattr(queries, "count_told", fails_once)
        clock(61)
        assert news(agent, made) == []
        assert happened(firm, made) == ["ticket.created"]
        firm.work(waits_too=True)
        assert len(news(agent, made)) == 1
        assert happened(firm, made).count("ticket.breached") == 1

    def test_looking_is_no_change_of_the_ticket(self, firm, agent, ticket, promise, clock):
        promise(is_default=True)
        made = ticket()
        etag = agent.get(f"{TICKETS}/{made['id']}").headers["etag"]
        firm.sql("update tickets set check_at = now() where id = %s", made["id"])
        assert clock(0.1) == 1
        assert agent.get(f"{TICKETS}/{made['id']}").headers["etag"] == etag
        assert happened(firm, made) == ["ticket.created"]

    def test_a_firm_that_stands_still_is_not_looked_at(self, firm, ticket, promise, clock):
        promise(is_default=True)
        ticket()
        with firm.standing_still():
            assert clock(61) == 0
        assert clock(61) == 1
