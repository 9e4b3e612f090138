"""Calendars and policies over HTTP, and the due times that tickets get from them."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from uuid import uuid4

import pytest

from tests.serve.crm.tickets.test_tickets import TICKETS, act, wrong

CALENDARS, POLICIES = "/api/v1/business-calendars", "/api/v1/sla-policies"
NUMBERS = count(1)
WEEK = [
    {"day": day, "opens": "08:00", "closes": "17:00"}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
]


@pytest.fixture
def owner(firm):
    return firm.client("owner")


@pytest.fixture
def promise(firm, owner):
    """``promise(first_reply_minutes=60)``: a policy that is in force until the test ends."""
    made = []

    def make(**fields):
        body = {"name": f"Policy {next(NUMBERS)}", "first_reply_minutes": 60, "resolution_minutes": 480}
        answer = owner.post(POLICIES, json=body | fields)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["data"]["id"])
        return answer.json()["data"]

    yield make
    for policy_id in made:
        owner.delete(f"{POLICIES}/{policy_id}")
    firm.work()


def read(client, ticket):
    return client.get(f"{TICKETS}/{ticket['id']}").json()["data"]


def minutes_between(later, earlier):
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) / timedelta(minutes=1)


class TestCalendars:
    def test_days_are_shown_as_they_are(self, owner):
        body = {
            "name": f"Office {next(NUMBERS)}",
            "timezone": "Europe/Berlin",
            "hours": WEEK,
            "country": "DE",
            "subdivision": "HB",
            "closed_days": [{"date": "2026-12-24", "name": "Christmas Eve"}],
        }
        made = owner.post(CALENDARS, json=body).json()["data"]
        asked = {"date_start": "2026-12-23", "date_end": "2026-12-27"}
        days = owner.get(f"{CALENDARS}/{made['id']}/days", params=asked).json()["data"]
        assert [(day["worked_s"], day["closed_because"]) for day in days] == [
            *((32400.0, None), (0, "closed"), (0, "Christmas Day"), (0, "Second Day of Christmas"), (0, None))
        ]
        assert days[0]["open"] == [{"opens_at": "2026-12-23T07:00:00Z", "closes_at": "2026-12-23T16:00:00Z"}]
        backwards = {"date_start": "2026-12-23", "date_end": "2026-12-22"}
        assert wrong(owner.get(f"{CALENDARS}/{made['id']}/days", params=backwards)) == ["date_end"]

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"hours": []}, "hours"),
            ({"hours": [{"day": "monday", "opens": "17:00", "closes": "08:00"}]}, "hours[0].closes"),
            ({"hours": [*WEEK, {"day": "friday", "opens": "16:00", "closes": "18:00"}]}, "hours"),
            ({"hours": [{"day": "monday", "opens": "8", "closes": "17:00"}]}, "hours[0].opens"),
            ({"timezone": "Europe/Bremen"}, "timezone"),
            ({"country": "ZZ"}, "country"),
            ({"country": "DE", "subdivision": "XX"}, "subdivision"),
            ({"subdivision": "HB"}, "subdivision"),
            ({"closed_days": [{"date": "2026-02-30"}]}, "closed_days[0].date"),
        ],
    )
    def test_what_is_no_calendar_is_named(self, owner, fields, named):
        body = {"name": f"Office {next(NUMBERS)}", "timezone": "Europe/Berlin", "hours": WEEK}
        assert wrong(owner.post(CALENDARS, json=body | fields)) == [named]

    def test_one_that_policies_go_by_stays(self, owner, promise):
        body = {"name": f"Office {next(NUMBERS)}", "timezone": "Europe/Berlin", "hours": WEEK}
        made = owner.post(CALENDARS, json=body).json()["data"]
        policy = promise(calendar_id=made["id"])
        refused = owner.delete(f"{CALENDARS}/{made['id']}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CALENDAR_IN_USE")
        assert refused.json()["error"]["details"][0]["message"] == policy["name"]


class TestPolicies:
    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"first_reply_minutes": None, "resolution_minutes": None}, ["first_reply_minutes"]),
            ({"is_default": True, "priority": "high"}, ["priority"]),
            ({"warn_before_minutes": 60}, ["warn_before_minutes"]),
            ({"notify_user_ids": ["nobody"]}, ["notify_user_ids[0]"]),
            (
                {"notify_user_ids": [str(uuid4())], "reassign_to_id": str(uuid4())},
                ["notify_user_ids[0]", "reassign_to_id"],
            ),
            ({"calendar_id": str(uuid4())}, ["calendar_id"]),
        ],
    )
    def test_what_promises_nothing_good_is_named(self, owner, fields, named):
        body = {"name": f"Policy {next(NUMBERS)}", "first_reply_minutes": 60}
        assert wrong(owner.post(POLICIES, json=body | fields)) == named

    def test_there_is_one_default(self, owner, promise):
        promise(is_default=True)
        body = {"name": f"Policy {next(NUMBERS)}", "first_reply_minutes": 60, "is_default": True}
        assert wrong(owner.post(POLICIES, json=body), 409) == ["is_default"]

    def test_agents_read_what_leaders_write(self, agent):
        assert agent.get(POLICIES).status_code == 200
        assert agent.post(POLICIES, json={"name": "Mine", "first_reply_minutes": 1}).status_code == 403


class TestDueTimes:
    def test_the_first_fitting_policy_holds_and_the_default_after_all(self, promise, ticket, customer, agent):
        fallback = promise(is_default=True, position=0)
        urgent = promise(priority="urgent", first_reply_minutes=5)
        promise(priority="urgent", channel="phone", first_reply_minutes=1, position=900)
        made = ticket(priority="urgent", channel="phone")
        assert made["sla_policy_id"] == urgent["id"]
        assert minutes_between(made["first_reply_due_at"], made["opened_at"]) == 5
        lowered = agent.patch(f"{TICKETS}/{made['id']}", json={"priority": "low"}).json()["data"]
        assert lowered["sla_policy_id"] == fallback["id"]
        assert minutes_between(lowered["first_reply_due_at"], made["opened_at"]) == 60

    def test_a_pause_moves_the_end_and_an_answer_stops_the_first_clock(self, promise, ticket, agent, firm):
        promise(is_default=True)
        made = ticket()
        act(agent, made, "replies", body="When may we come?", status="pending")
        paused = read(agent, made)
        assert paused["resolution_due_at"] is None
        assert minutes_between(paused["first_reply_due_at"], made["opened_at"]) == 60
        # It waited for half an hour, as far as anybody can tell.
        firm.sql(
            "update ticket_status_changes set changed_at = changed_at - interval '30 minutes'"
            " where ticket_id = %s",
            made["id"],
        )
        act(agent, made, "replies", body="Now", is_from_contact=True)
        after = read(agent, made)
        assert minutes_between(after["resolution_due_at"], made["opened_at"]) == pytest.approx(480, abs=1)
        shown = agent.get(f"{TICKETS}/{made['id']}/sla").json()["data"]
        first, resolution = shown["clocks"]
        assert (first["state"], resolution["state"]) == ("stopped", "running")
        assert resolution["elapsed_s"] + resolution["remaining_s"] == resolution["target_s"] == 28800

    def test_working_hours_count_where_the_policy_says_so(self, owner, promise, ticket):
        body = {"name": f"Rare {next(NUMBERS)}", "timezone": "Europe/Berlin"}
        hours = [{"day": "monday", "opens": "08:00", "closes": "09:00"}]
        made = owner.post(CALENDARS, json=body | {"hours": hours}).json()["data"]
        promise(is_default=True, calendar_id=made["id"], first_reply_minutes=180)
        due = datetime.fromisoformat(ticket()["first_reply_due_at"])
        opened = datetime.now(due.tzinfo)
        assert timedelta(days=14) <= due - opened <= timedelta(days=22)

    def test_open_tickets_follow_what_is_promised_now(self, owner, promise, ticket, agent, firm):
        made, done = ticket(), ticket()
        assert (made["sla_policy_id"], made["first_reply_due_at"]) == (None, None)
        act(agent, done, "resolve", resolution="Done")
        policy = promise(is_default=True)
        firm.work()
        assert minutes_between(read(agent, made)["first_reply_due_at"], made["opened_at"]) == 60
        assert read(agent, done)["sla_policy_id"] is None
        owner.patch(f"{POLICIES}/{policy['id']}", json={"first_reply_minutes": 30})
        firm.work()
        assert minutes_between(read(agent, made)["first_reply_due_at"], made["opened_at"]) == 30
        owner.delete(f"{POLICIES}/{policy['id']}")
        firm.work()
        assert read(agent, made)["first_reply_due_at"] is None

    def test_what_was_missed_is_not_forgotten_with_the_policy(self, owner, promise, ticket, agent, firm):
        policy = promise(priority="low", first_reply_minutes=5, resolution_minutes=10)
        made = ticket(priority="low")
        move_back(firm, made, 30)
        act(agent, made, "resolve", resolution="Late")
        owner.delete(f"{POLICIES}/{policy['id']}")
        firm.work()
        closed = agent.patch(f"{TICKETS}/{made['id']}", json={"status": "closed"}).json()["data"]
        assert (closed["is_breached"], closed["sla_policy_id"]) == (True, policy["id"])

    def test_lists_go_by_them(self, promise, ticket, agent):
        promise(is_default=True)
        promise(priority="urgent", first_reply_minutes=5)
        later, sooner = ticket(), ticket(priority="urgent")
        listed = agent.get(TICKETS, params={"sort": "first_reply_due_at", "status": "open"}).json()["data"]
        ids = [row["id"] for row in listed]
        assert ids.index(sooner["id"]) < ids.index(later["id"])
        late = agent.get(TICKETS, params={"is_breached": "true"}).json()["data"]
        assert {later["id"], sooner["id"]}.isdisjoint(row["id"] for row in late)

    def test_figures_count_what_is_kept_and_what_is_not(self, promise, ticket, agent, firm):
        promise(priority="urgent", first_reply_minutes=5, resolution_minutes=10)
        kept, late, unnoticed, waiting = (ticket(priority="urgent") for _ in range(4))
        act(agent, kept, "replies", body="Here")
        act(agent, kept, "resolve", resolution="Done")
        move_back(firm, late, 7)
        act(agent, late, "replies", body="Sorry")
        assert read(agent, late)["first_reply_breached_at"] is not None
        assert read(agent, late)["is_breached"] is True
        move_back(firm, unnoticed, 30)
        found = agent.get(f"{TICKETS}/sla").json()["data"]
        [urgent] = [row for row in found if row["priority"] == "urgent"]
        assert found[0]["priority"] is None
        assert urgent["ticket_count"] == 4
        assert urgent["first_reply"] == {
            "within_count": 1,
            "breached_count": 2,
            "running_count": 1,
            "within_share": pytest.approx(1 / 3),
        }
        assert urgent["resolution"]["breached_count"] == 1
        assert urgent["resolution"]["running_count"] == 2
        assert waiting["is_breached"] is False
        ahead = {"date_start": "2999-01-01"}
        [nothing] = agent.get(f"{TICKETS}/sla", params=ahead).json()["data"]
        assert (nothing["ticket_count"], nothing["resolution"]["within_share"]) == (0, None)


def move_back(firm, ticket, minutes):
    """As if it had been opened so long ago."""
    moved = ", ".join(
        f"{column} = {column} - make_interval(mins => %s)"
        for column in ("opened_at", "first_reply_due_at", "resolution_due_at", "check_at")
    )
    firm.sql(f"update tickets set {moved} where id = %s", *[minutes] * 4, ticket["id"])
    firm.sql(
        "update ticket_status_changes set changed_at = changed_at - make_interval(mins => %s) where ticket_id = %s",
        *(minutes, ticket["id"]),
    )
