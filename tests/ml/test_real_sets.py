"""The figures of the model cards, measured again on the public sets (`-s` prints them)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ml.questions import QUESTIONS
from ml.registry import Model
from ml.terms import Context, Trained
from tests.ml import real_sets

BY_NAME = {question.name: question for question in QUESTIONS}
CONTEXT = Context(
    tenant_id="real", as_of=datetime(2024, 1, 1, tzinfo=UTC), data_release="public", country="GB"
)


def train(name: str, frame, context: Context = CONTEXT) -> Trained:
    trained = BY_NAME[name].train(frame, context)
    assert isinstance(trained, Trained), trained
    figures = {key: value for key, value in trained.metrics.items() if key != "calibration_bins"}
    print(
        json.dumps(
            {"question": name, "figures": figures, "baseline": trained.baseline, "split": trained.split}
        )
    )
    assert trained.beats_baseline, trained.verdict
    return trained


def test_churn_of_telco():
    trained = train("churn", real_sets.telco())
    assert trained.metrics["roc_auc"] > 0.835
    assert trained.metrics["calibration_error"] < 0.04
    scored = BY_NAME["churn"].score(
        Model("churn", "real", "v", trained.state, {}), real_sets.telco(), CONTEXT
    )
    assert scored.height == 7043 - 1869  # those who have not left


def test_leads_without_what_is_filled_in_after_contact():
    trained = train("lead_score", real_sets.leads())
    assert 0.865 < trained.metrics["roc_auc"] < 0.91  # more than that would be a leak
    assert trained.metrics["calibration_error"] < 0.05
    again = train("lead_score", real_sets.leads(with_post_contact=True))
    assert again.metrics["roc_auc"] == trained.metrics["roc_auc"]  # offered, and refused


def test_failures_within_24_hours():
    frame = real_sets.pdm_azure()
    trained = train("maintenance", frame, replace(CONTEXT, horizon_h=24))
    assert trained.metrics["pr_auc"] > 0.6
    assert trained.metrics["macro_f1"] > 0.8
    assert trained.metrics["recall"] >= 0.75
    assert trained.metrics["saved_against_never_cents"] > 0


@pytest.mark.parametrize("last_day", ["2011-12-09 23:30", "2011-12-09 12:50"])
def test_revenue_of_an_online_shop(last_day):
    context = replace(CONTEXT, as_of=datetime.fromisoformat(last_day).replace(tzinfo=UTC))
    trained = train("revenue_forecast", real_sets.retail_online_daily(), context)
    floor = trained.baseline["seasonal_naive"]
    assert trained.metrics["mase"] < floor["mase"]
    assert trained.metrics["holdout_mase"] < floor["holdout_mase"]
    assert abs(trained.metrics["interval_coverage"] - 0.8) < 0.1
    scored = BY_NAME["revenue_forecast"].score(
        Model("revenue_forecast", "real", "v", trained.state, {}), real_sets.retail_online_daily(), context
    )
    assert scored["date"].min() == trained.data_until.date() + timedelta(days=1)
