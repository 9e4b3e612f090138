"""Working time between moments: known days by hand, and what holds for every calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from serve.crm.sla.hours import Calendar, add_worked, open_on, worked, worked_s

HOUR = timedelta(hours=1)
OFFICE = ((480, 720), (780, 1020))  # 08:00 to 12:00 and 13:00 to 17:00
BREMEN = Calendar("Europe/Berlin", (OFFICE,) * 5 + ((), ()), "DE", "HB", frozenset({date(2026, 12, 24)}))
ALWAYS = Calendar("Europe/Berlin", (((0, 1440),),) * 7)
NIGHT = Calendar("America/New_York", (((0, 360), (1320, 1440)),) * 7)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2026-11-20T09:00+01:00", "2026-11-20T11:00+01:00", 2),
        ("2026-11-20T11:00+01:00", "2026-11-20T14:00+01:00", 2),  # noon
        ("2026-11-20T16:00+01:00", "2026-11-23T09:00+01:00", 2),  # a weekend
        (
            "2026-12-23T16:00+01:00",
            "2026-12-28T09:00+01:00",
            2,
        ),  # a day of the firm's own, Christmas, a weekend
        ("2026-10-30T16:00+01:00", "2026-11-02T09:00+01:00", 2),
        ("2026-11-20T17:00+01:00", "2026-11-20T22:00+01:00", 0),  # the moment of closing belongs to nothing
        ("2026-11-20T11:00+01:00", "2026-11-20T09:00+01:00", 0),
    ],
)
def test_working_time_is_counted(begin, end, hours):
    assert worked_s(BREMEN, at(begin), at(end)) == hours * 3600


@pytest.mark.parametrize(
    ("begin", "hours", "reached"),
    [
        ("2026-11-20T09:00+01:00", 3, "2026-11-20T12:00+01:00"),  # the end of the morning, not the afternoon
        ("2026-11-20T09:00+01:00", 4, "2026-11-20T14:00+01:00"),
        ("2026-11-20T16:00+01:00", 2, "2026-11-23T09:00+01:00"),
        ("2026-11-21T10:00+01:00", 1, "2026-11-23T09:00+01:00"),  # begun on a Saturday
        ("2026-12-23T16:00+01:00", 2, "2026-12-28T09:00+01:00"),
        ("2026-05-13T16:00+02:00", 2, "2026-05-15T09:00+02:00"),  # Ascension Day
    ],
)
def test_the_moment_is_found(begin, hours, reached):
    assert add_worked(BREMEN, at(begin), hours * HOUR) == at(reached)


def test_a_day_on_which_clocks_change_is_as_long_as_it_is():
    assert worked(ALWAYS, at("2026-03-29T00:00+01:00"), at("2026-03-30T00:00+02:00")) == 23 * HOUR
    assert worked(ALWAYS, at("2026-10-25T00:00+02:00"), at("2026-10-26T00:00+01:00")) == 25 * HOUR
    assert sum((b - a for a, b in open_on(NIGHT, date(2026, 3, 8))), timedelta()) == 7 * HOUR
    assert sum((b - a for a, b in open_on(NIGHT, date(2026, 11, 1))), timedelta()) == 9 * HOUR


def test_hours_that_the_clock_leaps_over_begin_when_it_has():
    early = Calendar("Europe/Berlin", (((150, 240),),) * 7)  # 02:30 to 04:00
    assert open_on(early, date(2026, 3, 29)) == ((at("2026-03-29T01:00Z"), at("2026-03-29T02:00Z")),)
    assert open_on(Calendar("Europe/Berlin", (((120, 180),),) * 7), date(2026, 3, 29)) == ()


def test_a_day_that_a_place_left_out_has_no_hours():
    apia = Calendar("Pacific/Apia", (((480, 1020),),) * 7)
    assert open_on(apia, date(2011, 12, 30)) == ()


def test_without_a_calendar_all_time_counts():
    begin = at("2026-11-21T03:00Z")
    assert add_worked(None, begin, 5 * HOUR) == begin + 5 * HOUR
    assert worked(None, begin, begin + 5 * HOUR) == 5 * HOUR


def test_what_is_never_reached_is_no_moment():
    closed = Calendar("UTC", ((), (), (), (), (), (), ((0, 1),)))
    assert add_worked(closed, at("2026-11-21T03:00Z"), 1000 * HOUR) is None


spans = st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True).map(
    lambda ends: tuple(zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False))
)
calendars = st.builds(
    Calendar,
    timezone=st.sampled_from(ZONES),
    weekly=st.lists(spans, min_size=7, max_size=7).map(tuple),
    country=st.sampled_from([None, "DE", "US"]),
    closed_days=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
whiles = st.timedeltas(timedelta(), timedelta(days=9))


@settings(max_examples=150, deadline=None)
@given(calendars, moments, whiles)
def test_adding_and_counting_undo_each_other(calendar, begin, much):
    reached = add_worked(calendar, begin, much)
    assume(reached is not None)
    assert worked(calendar, begin, reached) == much
    assert add_worked(calendar, begin, much + timedelta(microseconds=1)) > reached
    # It is the first such moment: a little earlier less has passed.
    if much:
        assert worked(calendar, begin, reached - timedelta(microseconds=1)) < much


@settings(max_examples=150, deadline=None)
@given(calendars, moments, whiles, whiles)
def test_time_is_the_sum_of_its_parts(calendar, begin, one, other):
    middle, end = begin + one, begin + one + other
    whole = worked(calendar, begin, end)
    assert whole == worked(calendar, begin, middle) + worked(calendar, middle, end)
    assert timedelta() <= whole <= end - begin
    assert add_worked(calendar, begin, whole) <= end
