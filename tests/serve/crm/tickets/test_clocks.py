"""Clocks of tickets: they run, rest and stand as the history says, whoever looks and whenever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.crm.sla.clocks import clock
from serve.crm.tickets.deadlines import next_look, to_say

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def shown(*changes, target=60, now=None, stopped=None):
    """The clock of a ticket opened at noon, with (minute, status) since then."""
    history = [(NOON + minute * MINUTE, status) for minute, status in [(0, "open"), *changes]]
    stopped_at = None if stopped is None else NOON + stopped * MINUTE
    return clock("resolution", None, target * MINUTE, history, now=NOON + now * MINUTE, stopped_at=stopped_at)


def minutes(moment):
    return None if moment is None else (moment - NOON) / MINUTE


@pytest.mark.parametrize(
    ("changes", "now", "elapsed", "due", "breached", "state"),
    [
        ([], 10, 10, 60, None, "running"),
        ([], 60, 60, 60, 60, "running"),
        ([(10, "pending")], 50, 10, None, None, "paused"),
        ([(10, "pending"), (40, "open")], 50, 20, 90, None, "running"),
        ([(10, "pending"), (40, "open")], 95, 65, 90, 90, "running"),
        ([(70, "pending")], 500, 70, 60, 60, "paused"),
        ([(60, "pending")], 500, 60, None, None, "paused"),  # just in time
        ([(60, "pending"), (80, "open")], 81, 61, 80, 80, "running"),
        ([(30, "resolved")], 500, 30, 60, None, "stopped"),
        ([(30, "resolved"), (40, "open")], 41, 31, 70, None, "running"),
        ([(30, "pending"), (90, "resolved")], 500, 30, None, None, "stopped"),
        ([(65, "closed")], 500, 65, 60, 60, "stopped"),
    ],
)
def test_it_shows(changes, now, elapsed, due, breached, state):
    found = shown(*changes, now=now)
    assert (found.elapsed_s / 60, minutes(found.due_at), minutes(found.breached_at)) == (
        elapsed,
        due,
        breached,
    )
    assert found.state == state


def test_an_answer_stops_it_for_good():
    assert shown((20, "pending"), (30, "open"), now=500, stopped=10).elapsed_s == 600
    late = shown(now=500, stopped=61)
    assert (minutes(late.breached_at), late.state) == (60, "stopped")
    in_time = shown(now=500, stopped=60)
    assert (minutes(in_time.due_at), in_time.breached_at) == (60, None)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.sampled_from(["open", "pending", "resolved"])), max_size=8),
    st.integers(0, 200),
    st.integers(1, 120),
)
def test_it_never_runs_backwards_and_breaches_once(steps, later, target):
    minute, changes = 0, []
    for wait, status in steps:
        minute += wait
        changes.append((minute, status))
    first, then = (shown(*changes, target=target, now=minute + more) for more in (0, later))
    assert first.elapsed_s <= then.elapsed_s
    assert first.breached_at in (None, then.breached_at)
    if then.breached_at is not None:
        assert then.elapsed_s >= target * 60
    if then.elapsed_s > target * 60:
        assert then.breached_at is not None


def test_people_are_told_of_each_thing_once_and_in_time():
    warning, said = 15 * MINUTE, set()
    for now, wanted, following in (
        (0, [], 45),
        (45, ["warning"], 60),
        (60, ["breach"], None),
        (99, [], None),
    ):
        running = [shown(now=now)]
        found = to_say(running, warning, said, NOON + now * MINUTE)
        assert [level for _, level in found] == wanted
        said |= {(each.name, level) for each, level in found}
        assert minutes(next_look(running, warning, said)) == following


def test_what_is_late_already_needs_no_warning():
    assert [level for _, level in to_say([shown(now=99)], 15 * MINUTE, set(), NOON + 99 * MINUTE)] == [
        "breach"
    ]
    assert next_look([shown((10, "pending"), now=99)], None, set()) is None
