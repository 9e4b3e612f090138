"""Nothing known only after the moment of scoring can reach a model."""

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ml import churn, lead_score, maintenance, revenue_forecast
from ml.columns import Encoder, FeatureSet, LeakyFeature
from tests.ml import simulate

NAMED = {
    "churn": (churn, {"churned_at", "snapshot_churned", "known_until_at", "account_id"}),
    "lead_score": (lead_score, {"is_won", "closed_at", "known_until_at", "lead_id"}),
    "maintenance": (maintenance, {"next_failure_at", "known_until_at", "vehicle_id"}),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_feature_list_that_names_a_label_cannot_be_made(name):
    package, labels = NAMED[name]
    features = package.features.FEATURES
    for label in labels:
        with pytest.raises(LeakyFeature, match=label):
            FeatureSet(numeric=(*features.numeric, label), categorical=(), refused=features.refused)


def test_a_perfect_label_in_the_frame_changes_nothing():
    planted = simulate.leads(600)
    known = lead_score.features.examples(planted.frame, simulate.context())
    plain = Encoder.fit(known.frame, lead_score.features.FEATURES)
    told = known.frame.with_columns(
        pl.Series("converted_flag", known.labels), pl.Series("won_at", known.labels)
    )
    leaky = Encoder.fit(told, lead_score.features.FEATURES)
    assert leaky == plain
    assert np.array_equal(leaky.matrix(leaky.raw(told)), plain.matrix(plain.raw(known.frame)), equal_nan=True)


@pytest.mark.parametrize(
    "key", ["Tags", "Last Notable Activity", "last_activity", "Lead Quality", "Converted", "is_won"]
)
def test_attributes_filled_in_after_contact_are_skipped_in_any_spelling(key):
    rows = [json.dumps({key: f"v{n % 3}", "City": f"c{n % 3}"}) for n in range(200)]
    encoder = Encoder.fit(pl.DataFrame({"attributes": rows}), lead_score.features.FEATURES)
    assert [one.name for one in encoder.inputs] == ["City"]


def test_leads_teach_only_once_their_thirty_days_are_over():
    context, frame = simulate.context(days=400), simulate.leads(1500).frame
    known = lead_score.features.examples(frame, context)
    assert known.frame["as_of_at"].max() <= context.as_of - timedelta(days=30)


def test_a_lead_won_after_as_of_is_not_won_yet():
    frame = simulate.leads(300).frame
    late = simulate.context(days=730)
    won = lead_score.features.examples(frame, late)
    row = won.frame.filter(pl.Series(won.labels)).row(0, named=True)
    closes = (row["closed_at"] - simulate.START) / timedelta(days=1)
    before = lead_score.features.examples(frame, simulate.context(days=int(closes)))
    assert (
        row["lead_id"] not in before.units.tolist() or not before.labels[before.units == row["lead_id"]].any()
    )
    assert (
        row["lead_id"] in lead_score.features.to_score(frame, simulate.context(days=int(closes)))["lead_id"]
    )


def test_a_vehicle_day_with_an_unfinished_horizon_is_no_example_even_if_it_failed():
    fleet = simulate.vehicle_days(20, days=200)
    context = simulate.context(days=120)
    known = maintenance.features.examples(fleet.frame, context)
    assert known.frame["as_of_at"].max() == context.as_of - timedelta(hours=context.horizon_h)
    assert known.positive_count > 0


def test_accounts_that_left_are_neither_examples_nor_scored():
    frame = simulate.accounts(200).frame
    context = simulate.context(days=500)
    known = churn.features.examples(frame, context).frame
    assert (known["churned_at"].is_null() | (known["churned_at"] > known["known_at"])).all()
    gone = set(frame.filter(pl.col("churned_at") <= context.as_of)["account_id"])
    scored = set(churn.features.to_score(frame, context)["account_id"])
    assert gone
    assert not gone & scored


def test_the_series_ends_before_the_day_that_is_not_over():
    frame = simulate.revenue(60)
    whole = revenue_forecast.features.to_series(frame, simulate.context(days=40))
    assert len(whole) == 40
    context = simulate.context(days=40)
    noon = type(context)(tenant_id="t", data_release="x", as_of=context.as_of + timedelta(hours=12))
    assert len(revenue_forecast.features.to_series(frame, noon)) == 40


def test_time_splits_leave_a_gap_in_which_outcomes_become_known():
    context = simulate.context()
    known = lead_score.features.examples(simulate.leads(2000).frame, context)
    learn, exam, split = lead_score.evaluate.split(known, context)
    assert learn.times.max() + known.gap <= exam.times.min()
    assert split["gap_h"] == 30 * 24
