"""Plain rules: spans of time, paging, sorting, judging a day."""

from __future__ import annotations

import doctest
from datetime import date

import pytest

from serve.analytics.dashboard.rules import change_share, names
from serve.analytics.intelligence import rules as pulse
from serve.analytics.roi import rules as roi
from serve.kernel import params, periods
from serve.kernel.errors import Invalid
from serve.kernel.paging import Paged, order_by, page_meta
from serve.kernel.periods import DayRange, MonthRange, Span

AS_OF = date(2026, 3, 30)


@pytest.mark.parametrize("module", [params, periods, pulse, roi])
def test_examples_in_the_words_are_true(module):
    assert doctest.testmod(module).failed == 0


class TestSpans:
    @pytest.mark.parametrize(
        ("word", "start", "days"),
        [("7d", date(2026, 3, 24), 7), ("30d", date(2026, 3, 1), 30), ("12m", date(2025, 3, 31), 365)],
    )
    def test_ranges_end_on_the_last_day_of_the_data(self, word, start, days):
        span = DayRange(range=word).span(AS_OF)
        assert (span.start, span.end, span.days) == (start, AS_OF, days)

    def test_the_period_before_touches_and_is_as_long(self):
        before = Span(date(2026, 3, 1), AS_OF).before("previous_period")
        assert before == Span(date(2026, 1, 30), date(2026, 2, 28))

    def test_the_year_before_a_leap_day(self):
        span = Span(date(2024, 2, 29), date(2024, 2, 29))
        assert span.before("previous_year") == Span(date(2023, 2, 28), date(2023, 2, 28))

    def test_months_are_whole_but_the_last(self):
        assert MonthRange(range="3m").span(AS_OF) == Span(date(2026, 1, 1), AS_OF)
        custom = MonthRange(range="custom", start=date(2025, 5, 17), end=date(2025, 6, 2))
        assert custom.span(AS_OF) == Span(date(2025, 5, 1), date(2025, 6, 30))

    @pytest.mark.parametrize(
        "asked",
        [
            DayRange(range="custom"),
            DayRange(range="7d", start=AS_OF),
            DayRange(start=AS_OF, end=date(2026, 1, 1)),
            DayRange(start=date(1900, 1, 1)),
            MonthRange(range="all", end=AS_OF),
        ],
    )
    def test_what_does_not_fit_together(self, asked):
        with pytest.raises(Invalid):
            asked.span(AS_OF)

    @pytest.mark.parametrize(("days", "grain"), [(7, "day"), (100, "day"), (101, "week"), (401, "month")])
    def test_a_trend_stays_readable(self, days, grain):
        assert (
            Span(date(2024, 1, 1), date.fromordinal(date(2024, 1, 1).toordinal() + days - 1)).grain() == grain
        )


class TestPaging:
    def test_meta_speaks_both_ways(self):
        assert page_meta((20, 40), 41) == {
            "page": 3,
            "per_page": 20,
            "total": 41,
            "total_pages": 3,
            "limit": 20,
            "offset": 40,
        }
        assert page_meta((20, 5), 0)["page"] is None

    def test_limit_and_per_page_are_one(self):
        assert Paged(limit=5, page=3).window() == (5, 10)
        with pytest.raises(Invalid):
            Paged(limit=5, per_page=6).window()

    def test_only_known_names_reach_the_statement(self):
        known = {"score": "score", "name": "lower(name)"}
        assert (
            order_by("-score,name", known, tie="id")
            == "score desc nulls last, lower(name) asc nulls last, id"
        )
        for words in ("", "score desc", "-", "score,", "1;drop table x"):
            with pytest.raises(Invalid):
                order_by(words, known, tie="id")


class TestFigures:
    @pytest.mark.parametrize(
        ("value", "previous", "expected"),
        [(120, 100, 0.2), (-50, -100, 0.5), (5, 0, None), (None, 1, None), (1, None, None)],
    )
    def test_growth(self, value, previous, expected):
        assert change_share(value, previous) == expected

    def test_names_keep_their_order_once_each(self):
        assert names("b, a,b", ("a", "b"), parameter="x") == ("b", "a")
        with pytest.raises(Invalid):
            names(" , ", ("a",), parameter="x")


class TestPulse:
    LATE = next(measure for measure in pulse.MEASURES if measure.name == "late_job_count")
    DISTANCE = next(measure for measure in pulse.MEASURES if measure.better == "neither")

    def test_spread_follows_the_days(self):
        judged = pulse.judge(self.LATE, 20, [10, 14, 6, 10, 12])
        assert judged.usual == 10
        assert judged.spread == pytest.approx(1.4826 * 2)
        assert judged.state == "worse"

    def test_a_wobble_of_one_is_usual(self):
        assert pulse.judge(self.LATE, 2, [1, 1, 1, 1]).state == "usual"

    def test_too_few_weeks_to_judge(self):
        assert pulse.judge(self.LATE, 9, [1, 1, 1]).state == "unknown"
        assert pulse.judge(self.LATE, None, [1, 1, 1, 1]).state == "unknown"

    def test_neither_good_nor_bad(self):
        assert pulse.judge(self.DISTANCE, 1, [100.0] * 8).state == "unusual"

    @pytest.mark.parametrize(
        ("states", "level"),
        [
            (["usual", "better"], "steady"),
            (["worse"], "watch"),
            (["unusual"], "watch"),
            (["worse", "worse"], "act"),
            (["unknown"], "steady"),
        ],
    )
    def test_level(self, states, level):
        assert pulse.level(states) == level
