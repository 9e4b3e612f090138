"""Each yes-or-no question finds what was planted, means what its scores say, and beats its baselines."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ml import churn, lead_score, maintenance, metrics
from ml.classifier import Classifier
from ml.questions import QUESTIONS
from ml.registry import Model
from ml.terms import Refused, Trained
from tests.ml import simulate

BY_NAME = {question.name: question for question in QUESTIONS}


def measured(trained: Trained) -> Classifier:
    return Classifier.from_state(trained.state["measured"])


def as_model(trained: Trained) -> Model:
    return Model(trained.question, simulate.TENANT, "v1", trained.state, {})


@pytest.fixture(scope="module")
def leads():
    planted = simulate.leads(5000)
    return planted, BY_NAME["lead_score"].train(planted.frame, simulate.context())


@pytest.fixture(scope="module")
def accounts():
    planted = simulate.accounts()
    return planted, BY_NAME["churn"].train(planted.frame, simulate.context(days=740))


@pytest.fixture(scope="module")
def fleet():
    planted = simulate.vehicle_days(45, days=360)
    return planted, BY_NAME["maintenance"].train(planted.frame, simulate.context(days=360))


class TestLeads:
    def test_it_ranks_nearly_as_well_as_the_planted_chances(self, leads):
        planted, trained = leads
        context = simulate.context()
        known = lead_score.features.examples(planted.frame, context)
        _, exam, _ = lead_score.evaluate.split(known, context)
        truth = roc_auc_score(exam.labels, [planted.chance[unit] for unit in exam.units])
        assert trained.metrics["roc_auc"] > truth - 0.03

    def test_scores_are_the_planted_chances(self, leads):
        planted, trained = leads
        scored = BY_NAME["lead_score"].score(as_model(trained), planted.frame, simulate.context())
        assert set(scored.columns) == {"tenant_id", "lead_id", "score", "reasons", "model_version"}
        assert 50 < scored.height < 400  # the open ones alone
        gaps = np.abs(scored["score"].to_numpy() - [planted.chance[one] for one in scored["lead_id"]])
        assert gaps.mean() < 0.05

    def test_speed_of_reply_and_source_are_the_reasons(self, leads):
        planted, trained = leads
        scored = BY_NAME["lead_score"].score(as_model(trained), planted.frame, simulate.context())
        named = [reason["feature"] for text in scored["reasons"] for reason in json.loads(text)[:2]]
        assert sum(name in ("reply_hours", "source") for name in named) > 0.7 * len(named)

    def test_calibration_and_baselines(self, leads):
        _, trained = leads
        assert trained.metrics["calibration_error"] < 0.05
        assert trained.beats_baseline
        assert (
            trained.metrics["pr_auc"]
            > trained.baseline["rule"]["pr_auc"]
            > trained.baseline["base_rate"]["pr_auc"]
        )
        assert trained.metrics["pr_auc_low"] < trained.metrics["pr_auc"] < trained.metrics["pr_auc_high"]


class TestChurn:
    def test_it_ranks_nearly_as_well_as_the_planted_chances(self, accounts):
        planted, trained = accounts
        context = simulate.context(days=740)
        known = churn.features.examples(planted.frame, context)
        _, exam, _ = churn.evaluate.split(known, context)
        keys = [f"{row['account_id']}|{row['as_of_date']}" for row in exam.frame.iter_rows(named=True)]
        truth = roc_auc_score(exam.labels, [planted.chance[key] for key in keys])
        assert trained.metrics["roc_auc"] > truth - 0.03

    def test_calibration_and_baselines(self, accounts):
        _, trained = accounts
        assert trained.metrics["calibration_error"] < 0.05
        assert trained.beats_baseline

    def test_bad_service_and_silence_are_the_reasons(self, accounts):
        planted, trained = accounts
        scored = BY_NAME["churn"].score(as_model(trained), planted.frame, simulate.context(days=740))
        assert scored["account_id"].is_unique().all()
        worst = scored.sort("churn_score", descending=True).head(30)
        causes = {"late_job_count_90d", "days_since_last_message", "rating_mean_180d"}
        assert all(json.loads(text)[0]["feature"] in causes for text in worst["reasons"])
        assert all(json.loads(text)[0]["effect"] > 0 for text in worst["reasons"])


class TestMaintenance:
    def test_vibration_is_the_first_reason_before_a_failure(self, fleet):
        planted, trained = fleet
        first = []
        for vehicle, failed_at in planted.failures:
            if failed_at < simulate.START + timedelta(days=270):
                continue
            before = planted.frame.filter(
                pl.col("vehicle_id") == vehicle,
                pl.col("as_of_at") == failed_at.replace(hour=0) - timedelta(days=1),
            )
            _, reasons = measured(trained).scores_and_reasons(before)
            first += [json.loads(text)[0] for text in reasons]
        assert len(first) > 10
        assert np.mean([one["feature"].startswith("vibration") and one["effect"] > 0 for one in first]) > 0.95

    def test_failures_are_caught_in_time_and_it_pays(self, fleet):
        _, trained = fleet
        figures = trained.metrics
        assert figures["caught_share"] > 0.9
        assert 48 < figures["median_lead_time_h"] <= 336
        assert figures["saved_against_never_cents"] > 0
        assert figures["saved_against_always_cents"] > 0
        assert figures["calibration_error"] < 0.05
        assert trained.beats_baseline

    def test_every_vehicle_is_scored_once_at_its_newest_day(self, fleet):
        planted, trained = fleet
        context = simulate.context(days=360)
        scored = BY_NAME["maintenance"].score(as_model(trained), planted.frame, context)
        assert scored.height == 45
        assert (scored["as_of_at"] == context.as_of).all()
        assert scored["failure_score"].is_between(0, 1).all()
        cents = (scored["failure_score"] * context.missed_failure_cents).round().cast(pl.Int64)
        assert (scored["expected_cost_cents"] == cents).all()
        assert scored["threshold"].unique().to_list() == [pytest.approx(30 / 280)]

    def test_a_vehicle_silent_for_weeks_is_not_scored(self, fleet):
        planted, trained = fleet
        silent = pl.col("vehicle_id") == "veh-000"
        cut = planted.frame.filter(~silent | (pl.col("as_of_at") < simulate.START + timedelta(days=340)))
        scored = BY_NAME["maintenance"].score(as_model(trained), cut, simulate.context(days=360))
        assert "veh-000" not in scored["vehicle_id"]

    def test_missing_sensors_are_no_obstacle(self, fleet):
        planted, trained = fleet
        bare = planted.frame.drop("temperature_mean_24h", "make")
        scored = BY_NAME["maintenance"].score(as_model(trained), bare, simulate.context(days=360))
        assert scored["failure_score"].is_not_nan().all()


def test_an_effect_is_what_the_model_gives_for_the_feature():
    """For the linear model the effects, plus those of the rest, add up to the log-odds exactly."""
    planted = simulate.leads(1500)
    known = lead_score.features.examples(planted.frame, simulate.context())
    model = lead_score.model.fit(known, seed=7, kind="logistic")
    rows = known.frame.head(200)
    _, texts = model.scores_and_reasons(rows)
    for row, text in zip(rows.iter_rows(named=True), texts, strict=True):
        for reason in json.loads(text):
            assert (
                reason["value"] is None
                or str(reason["value"])[:4] in str(row[reason["feature"]])
                or isinstance(row[reason["feature"]], bool)
            )
    one = rows.filter(pl.col("source") == "referral").head(1)
    moved = one.with_columns(pl.lit("search").alias("source"))  # the most common source is the typical one
    difference = model._log_odds(model.encoder.matrix(model.encoder.raw(one))) - model._log_odds(
        model.encoder.matrix(model.encoder.raw(moved))
    )
    _, (text,) = model.scores_and_reasons(one)
    effect = {reason["feature"]: reason["effect"] for reason in json.loads(text)}["source"]
    assert effect == pytest.approx(float(difference[0]), abs=1e-4)


def test_ten_thousand_rows_with_reasons_take_seconds(leads):
    import time

    planted, trained = leads
    rows = pl.concat([planted.frame] * 2)
    started = time.process_time()
    scores, reasons = measured(trained).scores_and_reasons(rows)
    assert time.process_time() - started < 10
    assert len(scores) == len(reasons) == 10_000


class TestRefusals:
    def test_too_few_outcomes_are_refused_with_a_reason(self):
        refused = BY_NAME["lead_score"].train(simulate.leads(25).frame, simulate.context())
        assert isinstance(refused, Refused)
        assert "outcome" in refused.reason

    def test_too_short_a_history_is_refused(self):
        refused = BY_NAME["maintenance"].train(
            simulate.vehicle_days(20, days=30).frame, simulate.context(days=30)
        )
        assert isinstance(refused, Refused)

    def test_an_empty_table_is_refused(self):
        for name, frame in (
            ("lead_score", simulate.leads(50).frame.clear()),
            ("churn", simulate.accounts(20).frame.clear()),
            ("maintenance", simulate.vehicle_days(2, days=30).frame.clear()),
            ("revenue_forecast", simulate.revenue(30).clear()),
        ):
            assert isinstance(BY_NAME[name].train(frame, simulate.context()), Refused), name

    def test_noise_never_passes_for_knowledge(self):
        outcome = BY_NAME["lead_score"].train(simulate.leads(3000, signal=0.0).frame, simulate.context())
        if isinstance(outcome, Trained):
            scores = measured(outcome).scores(simulate.leads(1000, signal=0.0).frame)
            assert scores.std() < 0.06  # nearly everyone alike, as it should be


def test_training_twice_gives_the_same_scores():
    planted, context = simulate.leads(1000), simulate.context()
    first, second = (BY_NAME["lead_score"].train(planted.frame, context) for _ in range(2))
    shuffled = BY_NAME["lead_score"].train(planted.frame.sample(fraction=1.0, shuffle=True, seed=1), context)
    scores = [measured(one).scores(planted.frame) for one in (first, second, shuffled)]
    assert np.array_equal(scores[0], scores[1])
    assert np.allclose(scores[0], scores[2])


def test_lead_time_and_cost_are_counted_by_event():
    """One vehicle, one failure, warned from the third day before on: worked out by hand."""
    fleet = simulate.vehicle_days(60)
    context = simulate.context(days=400, horizon_h=120)
    known = maintenance.features.examples(fleet.frame, context)
    vehicle, failed_at = next(one for one in fleet.failures if one[1] > simulate.START + timedelta(days=40))
    only = known.take(
        (known.units == vehicle)
        & (np.abs(known.times - np.datetime64(failed_at.replace(tzinfo=None))) < np.timedelta64(6, "D"))
    )
    days_before = (np.datetime64(failed_at.replace(tzinfo=None)) - only.times) / np.timedelta64(1, "D")
    alerts = (days_before > 0) & (days_before < 3)
    outcome = maintenance.evaluate.act(only, alerts, 120)
    assert (outcome.failures, outcome.caught, outcome.unneeded_services) == (1, 1, 0)
    assert outcome.lead_times_h == [2 * 24 + 9]
    nothing = maintenance.evaluate.act(only, np.zeros_like(alerts), 120)
    assert nothing.cost_cents(context) == context.missed_failure_cents
    in_vain = maintenance.evaluate.act(only, (days_before < 0) & (days_before > -4), 120)
    assert in_vain.cost_cents(context) == context.missed_failure_cents + context.unneeded_service_cents


def test_the_running_day_is_scored_before_it_is_over():
    """The warehouse's clock stands at the last event, in the middle of a day whose row exists already."""
    noon = timedelta(hours=12)
    context = replace(simulate.context(days=100), as_of=simulate.START + timedelta(days=99) + noon)
    vehicles = simulate.vehicle_days(3, days=200).frame
    assert maintenance.features.to_score(vehicles, context)["as_of_at"].unique().to_list() == [
        simulate.START + timedelta(days=100)
    ]
    months = simulate.accounts(50).frame
    context = replace(context, as_of=simulate.START + timedelta(days=300) + noon)
    assert churn.features.to_score(months, context)["as_of_date"].max() == context.as_of.date()


def test_metrics_by_hand():
    labels, scores = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.3, 0.1])
    assert metrics.roc_auc(labels, scores) == 0.75
    assert metrics.brier(labels, scores) == pytest.approx((0.01 + 0.64 + 0.49 + 0.01) / 4)
    assert metrics.calibration_error(labels, scores, count=2) == pytest.approx(0.325)
    assert metrics.lift(labels, np.full(4, 0.5)) == 1.0


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_is_scikit_learns(ties):
    rng = np.random.default_rng(2)
    scores = rng.random(500).round(1 if ties else 9)
    labels = rng.random(500) < scores
    assert metrics.pr_auc(labels, scores) == pytest.approx(average_precision_score(labels, scores))
