"""Forecasts find the planted seasons, never lose to repeating last week, and know how far they miss."""

import resource
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ml.questions import QUESTIONS
from ml.registry import Model
from ml.revenue_forecast import evaluate, features, methods, model
from ml.terms import NotEnoughData, Refused, Trained
from tests.ml import simulate

REVENUE = QUESTIONS[3]


def cpu_s() -> float:
    """Of this process and of those it waited for: Prophet fits in a child."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def forecast(trained: Trained, frame: pl.DataFrame, context) -> pl.DataFrame:
    return REVENUE.score(Model("revenue_forecast", simulate.TENANT, "v1", trained.state, {}), frame, context)


@pytest.fixture(scope="module")
def two_years():
    frame, context = simulate.revenue(730, country="US"), simulate.context(country="US")
    before = cpu_s()
    return frame, context, REVENUE.train(frame, context), cpu_s() - before


class TestTwoYears:
    def test_prophet_finds_week_year_and_holidays(self, two_years):
        _, _, trained, _ = two_years
        assert trained.metrics["method"] == "prophet"
        assert trained.metrics["mase"] < 0.8 * trained.baseline["seasonal_naive"]["mase"]
        assert trained.metrics["mase"] == min(trained.metrics["mase_by_method"].values())

    def test_the_next_days_are_near_the_truth(self, two_years):
        frame, context, trained, _ = two_years
        truth = simulate.revenue(758, country="US", noise=1e-9).tail(28)["revenue_cents"].to_numpy()
        said = forecast(trained, frame, context)
        assert said["date"].to_list() == [context.as_of.date() + timedelta(days=n) for n in range(28)]
        assert (np.abs(said["forecast_cents"].to_numpy() - truth) / truth).mean() < 0.1
        inside = (said["lower_cents"] <= said["forecast_cents"]) & (
            said["forecast_cents"] <= said["upper_cents"]
        )
        assert inside.all()
        assert said["made_on_date"].unique().to_list() == [context.as_of.date() - timedelta(days=1)]

    def test_intervals_hold_as_often_as_they_say(self, two_years):
        frame, context, trained, _ = two_years
        assert abs(trained.metrics["interval_coverage"] - evaluate.LEVEL) < 0.1
        came = simulate.revenue(758, country="US").tail(28)["revenue_cents"]
        said = forecast(trained, frame, context)
        held = ((came >= said["lower_cents"]) & (came <= said["upper_cents"])).mean()
        assert abs(held - evaluate.LEVEL) < 0.2

    def test_a_night_of_one_tenant_takes_seconds(self, two_years):
        *_, seconds = two_years
        assert seconds < 10

    def test_nothing_is_logged(self, two_years, capfd):
        frame, *_ = two_years
        series = features.to_series(frame, simulate.context())
        methods.prophet(series, 7, country="US", seed=1)
        captured = capfd.readouterr()
        assert captured.out == captured.err == ""

    def test_holidays_are_the_tenants_own(self, two_years):
        frame, *_ = two_years
        until_july = features.to_series(frame, simulate.context(days=550))  # ends on 3 July 2024
        said = {country: methods.prophet(until_july, 2, country=country, seed=1) for country in ("US", "")}
        assert said["US"][0] < 0.75 * said[""][0]  # the Fourth of July
        unknown = methods.prophet(until_july, 2, country="XX", seed=1)
        assert np.allclose(unknown, said[""])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_method_is_served_that_lost_to_seasonal_naive(seed):
    rng = np.random.default_rng(seed)
    walk = 1e6 + np.cumsum(rng.normal(0, 2e4, 300))
    dates = [simulate.START.date() + timedelta(days=n) for n in range(300)]
    trained = REVENUE.train(simulate.series(dates, walk), simulate.context())
    assert trained.metrics["mase"] <= trained.baseline["seasonal_naive"]["mase"]


def test_seasonal_naive_is_served_where_nothing_beats_it():
    """Each week repeats the one before exactly, until the level jumps on the last day of all."""
    naive = np.full((3, evaluate.HORIZON_DAYS), 100.0)
    tested = evaluate.Backtest(
        [1, 2, 3], naive, {"seasonal_naive": naive, "ets": naive + 1}, np.ones(3), np.ones(3)
    )
    assert tested.winner() == "seasonal_naive"


class TestShortAndFlat:
    @pytest.mark.parametrize(
        ("days", "method"), [(50, "seasonal_naive"), (20, "seasonal_naive"), (10, "mean")]
    )
    def test_a_short_series_falls_back_and_says_so(self, days, method):
        frame, context = simulate.revenue(days), simulate.context(days=days)
        trained = REVENUE.train(frame, context)
        assert trained.metrics == {"method": method, "is_fallback": True}
        said = forecast(trained, frame, context)
        assert said["model_name"].unique().to_list() == [f"{method} {model.FALLBACK_NOTE}"]
        assert (said["upper_cents"] > said["forecast_cents"]).any()

    def test_eight_weeks_are_enough_for_a_backtest(self):
        trained = REVENUE.train(simulate.revenue(56), simulate.context(days=56))
        assert len(trained.split["first_days"]) == 3
        assert set(trained.metrics["mase_by_method"]) == {"mean", "seasonal_naive", "weekly_level"}

    def test_a_flat_series_is_its_mean_with_no_width(self):
        dates = [simulate.START.date() + timedelta(days=n) for n in range(200)]
        frame, context = simulate.series(dates, np.full(200, 5000.0)), simulate.context(days=200)
        said = forecast(REVENUE.train(frame, context), frame, context)
        assert said["model_name"][0].startswith("mean")
        for column in ("lower_cents", "forecast_cents", "upper_cents"):
            assert said[column].unique().to_list() == [5000]

    def test_days_without_rows_had_no_revenue(self):
        frame = simulate.revenue(60)
        holes = features.to_series(frame.filter(pl.col("date").dt.weekday() != 6), simulate.context(days=60))
        assert len(holes) == 60
        assert (holes.cents == 0).sum() == 9 - 1
        with pytest.raises(ValueError, match="twice"):
            features.to_series(pl.concat([frame, frame]), simulate.context(days=60))

    def test_less_than_a_week_is_refused(self):
        assert isinstance(REVENUE.train(simulate.revenue(6), simulate.context(days=6)), Refused)
        with pytest.raises(NotEnoughData, match="6 days"):
            features.to_series(simulate.revenue(6), simulate.context(days=6))


def test_closed_days_stay_closed():
    table = np.tile([100.0, 120, 90, 110, 130, 0, 50], 30)
    said = methods.weekly_level(features.Series(simulate.START.date(), table), 28)
    assert np.allclose(said, np.resize(table[:7], 28))


def test_mase_by_hand():
    naive = evaluate.naive_error(np.array([1.0] * 7 + [3.0] * 7))
    assert naive == 2.0
    actual, said = np.full((1, 28), 10.0), np.full((1, 28), 13.0)
    tested = evaluate.Backtest([14], actual, {"x": said}, np.array([naive]), np.array([10.0]))
    assert tested.mase("x") == 1.5
    assert tested.relative_misses("x")[0, 0] == pytest.approx(-0.3)


def test_cutoffs_leave_one_horizon_and_a_past():
    for days in range(56, 800, 13):
        stops = evaluate.cutoffs(days)
        assert 3 <= len(stops) <= evaluate.CUTOFFS
        assert stops[-1] == days - evaluate.HORIZON_DAYS
        assert stops[0] >= evaluate.MIN_PAST_DAYS
    assert evaluate.cutoffs(55) == []
