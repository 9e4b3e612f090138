"""When schedules come to pass: clocks that go forward and back, times that passed unseen, runs that overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.kernel.errors import Invalid
from serve.platform.schedules.rules import (
    check_cron,
    check_schedule,
    check_zone,
    decide,
    explained,
    next_time,
    times,
    upcoming,
)

BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def at(cron: str, after: datetime, count: int, zone: str = "Europe/Berlin") -> list[str]:
    found = islice(times(cron, zone, after), count)
    return [each.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %z") for each in found]


class TestClocks:
    def test_a_time_that_the_clocks_leave_out_is_made_up_for_at_once(self):
        assert at("30 2 * * *", local("2027-03-27 12:00"), 2) == ["28 03:00 +0200", "29 02:30 +0200"]

    def test_a_fixed_time_comes_once_when_the_clocks_go_back(self):
        assert at("30 2 * * *", local("2026-10-24 12:00"), 2) == ["25 02:30 +0200", "26 02:30 +0100"]

    def test_what_comes_every_half_hour_goes_on_with_real_time(self):
        assert at("*/30 * * * *", local("2026-10-25 01:45"), 5) == [
            *("25 02:00 +0200", "25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100"),
            "25 03:00 +0100",
        ]
        assert at("*/30 * * * *", local("2027-03-28 01:15"), 2) == ["28 01:30 +0100", "28 03:00 +0200"]

    @pytest.mark.parametrize("cron", ["30 2 * * *", "0 * * * *", "*/20 * * * *", "15 1-3 * * *", "0 0 1 * *"])
    @pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
    def test_asked_again_at_each_time_the_times_are_the_same(self, cron: str, zone: str):
        """The service asks for the next time after each run; no time is lost or doubled by that."""
        for start in (
            datetime(2026, 10, 24, tzinfo=UTC),
            datetime(2027, 3, 13, tzinfo=UTC),
            datetime(2027, 4, 3, tzinfo=UTC),
        ):
            at_once = list(islice(times(cron, zone, start), 120))
            one_by_one, moment = [], start
            for _ in at_once:
                moment = next(times(cron, zone, moment))
                one_by_one.append(moment)
            assert one_by_one == at_once

    @given(st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
    def test_the_next_time_is_later_and_on_the_minute(self, moment: datetime):
        found = next(times("*/7 3,14 * * 1-5", "America/Sao_Paulo", moment))
        assert found > moment
        assert (found.second, found.microsecond) == (0, 0)


class TestWords:
    @pytest.mark.parametrize(
        "wrong",
        ["", "x", "* * * *", "* * * * * *", "61 * * * *", "* 24 * * *", "0 0 31 2 *", "@daily", "0 0 * * 8"],
    )
    def test_what_is_no_cron_expression_is_refused(self, wrong: str):
        with pytest.raises(ValueError):
            check_cron(wrong)

    def test_spaces_do_not_matter(self):
        assert check_cron("  0   7 * * 1-5 ") == "0 7 * * 1-5"

    @pytest.mark.parametrize("wrong", ["CET+1", "../etc/passwd", "Berlin", "", "europe/berlin\0"])
    def test_what_is_no_zone_is_refused(self, wrong: str):
        with pytest.raises(ValueError):
            check_zone(wrong)

    def test_it_is_told_in_words(self):
        assert explained("30 7 * * 1-5") == "At 07:30 on Monday through Friday"


NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)


def hourly(**changes: Any) -> dict[str, Any]:
    schedule = {
        "cron": "0 * * * *",
        "run_at": None,
        "timezone": "UTC",
        "ends_at": None,
        "overlap": "skip",
        "catch_up_s": 3600,
        "next_run_at": NOW.replace(minute=0, second=0),
        "waiting_since": None,
    }
    return schedule | changes


class TestDecisions:
    def test_what_is_due_begins(self):
        assert decide(hourly(), NOW, is_busy=False)[:2] == ("start", NOW.replace(minute=0, second=0))

    @pytest.mark.parametrize(
        ("overlap", "waiting", "deed"),
        [
            ("skip", None, "skip"),
            ("allow", None, "start"),
            ("cancel_previous", None, "cancel_and_start"),
            ("queue", None, "wait"),
            ("queue", NOW, "skip"),
        ],
    )
    def test_when_the_run_before_has_not_ended(self, overlap: str, waiting: Any, deed: str):
        assert decide(hourly(overlap=overlap, waiting_since=waiting), NOW, is_busy=True).deed == deed

    def test_of_several_times_that_passed_the_last_counts(self):
        decision = decide(hourly(next_run_at=NOW.replace(hour=7, minute=0, second=0)), NOW, is_busy=False)
        assert (decision.deed, decision.due_at.hour, decision.missed_count) == ("start", 12, 5)

    def test_what_is_too_late_is_missed(self):
        late = hourly(catch_up_s=20)
        assert decide(late, NOW, is_busy=False).deed == "miss"
        assert decide(late | {"catch_up_s": 30}, NOW, is_busy=False).deed == "start"

    def test_a_single_run_that_is_late_but_not_too_late_begins(self):
        once = hourly(cron=None, run_at=NOW - timedelta(minutes=59), next_run_at=NOW - timedelta(minutes=59))
        assert decide(once, NOW, is_busy=False).deed == "start"
        assert decide(once | {"catch_up_s": 60}, NOW, is_busy=False).deed == "miss"


class TestTimes:
    def test_a_single_run_has_one_time(self):
        once = hourly(cron=None, run_at=NOW)
        assert next_time(once, NOW - timedelta(seconds=1)) == NOW
        assert next_time(once, NOW) is None

    def test_there_is_none_after_the_end(self):
        ends = hourly(ends_at=NOW + timedelta(hours=2))
        assert len(upcoming(ends, NOW, 5)) == 2

    @pytest.mark.parametrize("both", [{"cron": None, "run_at": None}, {"run_at": NOW}])
    def test_it_has_one_kind_of_time(self, both: dict[str, Any]):
        with pytest.raises(Invalid):
            check_schedule(None, hourly(**both))
