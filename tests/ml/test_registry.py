"""Versions are whole or absent, a damaged one is noticed, and a worse one never takes over."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import skops.io

from ml import gate, lead_score, registry
from ml.classifier import Classifier
from ml.questions import QUESTIONS, answer, learn
from ml.registry import NoModel, Registry, UnsoundModel
from ml.terms import Refused, Trained
from tests.ml import simulate

QUESTION, TENANT = "lead_score", simulate.TENANT
NIGHT = datetime(2025, 1, 1, 2, tzinfo=UTC)


def attempt(
    value: float = 0.5, *, beats: bool = True, losses: Mapping[float, float] | None = None
) -> Trained:
    """A finished attempt whose state is a number; a state's losses are noise around what `losses` says of it."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.1, 400)
    return Trained(
        question=QUESTION,
        state={"value": value, "weights": np.arange(3.0)},
        metrics={"pr_auc": 0.7},
        baseline={"base_rate": {"pr_auc": 0.3}},
        split={"kind": "time"},
        data_until=NIGHT,
        beats_baseline=beats,
        verdict="PR-AUC 0.7 against 0.3",
        losses_of=lambda state: (losses or {}).get(state["value"], state["value"]) + noise * state["value"],
        units=np.array([f"u{n}" for n in range(400)]),
    )


@pytest.fixture
def store(tmp_path) -> Registry:
    return Registry(tmp_path / "models")


def keep(store: Registry, value: float, *, night: int = 0) -> str:
    return store.save(attempt(value), simulate.context(), trained_at=NIGHT + timedelta(days=night))


def promoted(store: Registry, *values: float) -> list[str]:
    versions = [keep(store, value, night=night) for night, value in enumerate(values)]
    for version in versions:
        store.promote(QUESTION, TENANT, version)
    return versions


class TestVersions:
    def test_a_version_is_read_back_with_its_card(self, store):
        (version,) = promoted(store, 0.25)
        model = store.load(QUESTION, TENANT)
        assert (model.version, model.state["value"], model.notice) == (version, 0.25, None)
        assert np.array_equal(model.state["weights"], np.arange(3.0))
        card = model.card
        assert card["data_release"] == "test"
        assert card["trained_at"] == NIGHT.isoformat()
        assert card["metrics"] == {"pr_auc": 0.7}
        assert set(card["libraries"]) == {
            "numpy",
            "polars",
            "prophet",
            "scikit-learn",
            "skops",
            "statsmodels",
        }

    def test_nothing_answers_before_it_is_promoted(self, store):
        keep(store, 0.25)
        assert store.champion(QUESTION, TENANT) is None
        with pytest.raises(NoModel):
            store.load(QUESTION, TENANT)

    def test_a_refusal_is_a_card_without_an_artifact(self, store):
        refused = Refused(question=QUESTION, reason="Only 3 leads.")
        version = store.save(refused, simulate.context(), trained_at=NIGHT)
        again = store.save(refused, simulate.context(), trained_at=NIGHT)
        assert again == version
        assert [card["refused"] for card in store.history(QUESTION, TENANT)] == ["Only 3 leads."]
        with pytest.raises(UnsoundModel):
            store.promote(QUESTION, TENANT, version)

    def test_history_is_newest_first_and_names_the_champion(self, store):
        first, second = promoted(store, 0.1, 0.2)
        third = keep(store, 0.3, night=5)
        history = store.history(QUESTION, TENANT)
        assert [card["version"] for card in history] == [third, second, first]
        assert [card["is_champion"] for card in history] == [False, True, False]

    def test_rollback_goes_to_the_one_before(self, store):
        first, second = promoted(store, 0.1, 0.2)
        assert store.champion(QUESTION, TENANT) == second
        assert store.rollback(QUESTION, TENANT) == first
        assert store.load(QUESTION, TENANT).state["value"] == 0.1
        with pytest.raises(NoModel):
            store.rollback(QUESTION, TENANT)
        assert store.champion(QUESTION, TENANT) == first

    def test_tenants_and_questions_do_not_meet(self, store):
        promoted(store, 0.1)
        for question, tenant in ((QUESTION, "other"), ("churn", TENANT)):
            with pytest.raises(NoModel):
                store.load(question, tenant)
        with pytest.raises(ValueError, match="folder"):
            store.load(QUESTION, "../other")

    def test_old_versions_expire_but_not_those_a_rollback_needs(self, store):
        first, *_ = promoted(store, 0.1, 0.2)
        others = [keep(store, 0.5, night=night) for night in range(2, 6)]
        assert store.expire(QUESTION, TENANT, keep=2) == [others[1], others[0]]
        assert store.rollback(QUESTION, TENANT) == first

    def test_cards_become_a_table(self, store):
        promoted(store, 0.1, 0.2)
        store.save(Refused(question="churn", reason="No history."), simulate.context(), trained_at=NIGHT)
        table = store.model_cards(TENANT)
        assert table.columns == list(registry.CARD_COLUMNS)
        assert table["is_champion"].sum() == 1
        assert json.loads(table.filter(question="churn")["card"][0])["refused"] == "No history."
        assert store.model_cards("nobody").columns == table.columns


class Stranger:
    """A type that no artifact of ours has reason to hold."""

    def __init__(self) -> None:
        self.value = 1


class TestDamage:
    def spoil(self, store: Registry, version: str, name: str, content: bytes) -> None:
        (store.root / QUESTION / TENANT / version / name).write_bytes(content)

    @pytest.mark.parametrize("spoilt", ["flipped", "truncated", "empty", "absent"])
    def test_a_damaged_champion_gives_way_to_the_one_before_and_says_so(self, store, spoilt):
        first, second = promoted(store, 0.1, 0.2)
        artifact = store.root / QUESTION / TENANT / second / "artifact.skops"
        whole = artifact.read_bytes()
        flipped = bytes([whole[0]]) + bytes([whole[1] ^ 1]) + whole[2:]
        if spoilt == "absent":
            artifact.unlink()
        else:
            artifact.write_bytes({"flipped": flipped, "truncated": whole[:-40], "empty": b""}[spoilt])
        model = store.load(QUESTION, TENANT)
        assert (model.version, model.state["value"]) == (first, 0.1)
        assert second in model.notice
        assert first in model.notice
        assert store.champion(QUESTION, TENANT) == second  # reading repairs nothing

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "x"}'])
    def test_a_damaged_card_counts_as_damage(self, store, content):
        first, second = promoted(store, 0.1, 0.2)
        self.spoil(store, second, "card.json", content)
        assert store.load(QUESTION, TENANT).version == first
        assert "unsound" in store.history(QUESTION, TENANT)[0]
        assert store.model_cards(TENANT).height == 1

    def test_an_edited_card_is_noticed(self, store):
        first, second = promoted(store, 0.1, 0.2)
        place = store.root / QUESTION / TENANT / second / "card.json"
        place.write_text(place.read_text().replace('"pr_auc": 0.7', '"pr_auc": 0.9'))
        assert store.load(QUESTION, TENANT).version == first

    def test_when_all_are_damaged_the_error_names_each(self, store):
        versions = promoted(store, 0.1, 0.2)
        for version in versions:
            self.spoil(store, version, "artifact.skops", b"x")
        with pytest.raises(NoModel) as error:
            store.load(QUESTION, TENANT)
        assert all(version in str(error.value) for version in versions)

    def test_a_rollback_skips_what_is_damaged(self, store):
        first, second, _third = promoted(store, 0.1, 0.2, 0.3)
        self.spoil(store, second, "artifact.skops", b"x")
        assert store.rollback(QUESTION, TENANT) == first

    def test_a_type_nobody_trusts_is_refused(self, store):
        stranger = replace(attempt(), state={"x": Stranger()})
        version = store.save(stranger, simulate.context(), trained_at=NIGHT)
        with pytest.raises(UnsoundModel, match="Stranger"):
            store.promote(QUESTION, TENANT, version)

    def test_another_generation_of_scikit_learn_is_refused(self, store, monkeypatch):
        promoted(store, 0.1)
        monkeypatch.setattr(registry, "installed", lambda name: "99.0")
        with pytest.raises(NoModel, match="scikit-learn"):
            store.load(QUESTION, TENANT)

    def test_a_write_cut_short_leaves_no_version(self, store, monkeypatch):
        promoted(store, 0.1)
        full = OSError(28, "No space left on device")

        def fail(*_args, **_kwargs):
            raise full

        monkeypatch.setattr(registry, "write_atomic", fail)
        with pytest.raises(OSError, match="space"):
            keep(store, 0.2, night=1)
        monkeypatch.undo()
        assert len(store.history(QUESTION, TENANT)) == 1
        assert store.load(QUESTION, TENANT).state["value"] == 0.1
        assert not list((store.root / QUESTION / TENANT).glob(".aside-*"))

    def test_what_a_kill_left_behind_is_swept_after_an_hour(self, store):
        promoted(store, 0.1)
        folder = store.root / QUESTION / TENANT
        for name, age_s in (("old", 7200), ("fresh", 10)):
            (folder / f".aside-{name}").mkdir()
            past = (folder / f".aside-{name}").stat().st_mtime - age_s
            os.utime(folder / f".aside-{name}", (past, past))
        assert len(store.history(QUESTION, TENANT)) == 1
        store.expire(QUESTION, TENANT)
        assert [path.name for path in folder.glob(".aside-*")] == [".aside-fresh"]


class TestGate:
    def test_the_first_version_needs_only_to_beat_its_baseline(self):
        assert gate.decide(attempt(), None).promote
        lost = gate.decide(attempt(beats=False), None)
        assert not lost.promote
        assert "baseline" in lost.why

    @pytest.mark.parametrize(
        ("ours", "theirs", "promote"), [(0.5, 0.5, True), (0.4, 0.5, True), (0.9, 0.5, False)]
    )
    def test_worse_beyond_noise_is_refused(self, ours, theirs, promote):
        decision = gate.decide(attempt(ours), {"value": theirs})
        assert decision.promote is promote

    def test_a_hair_worse_is_noise(self):
        rng = np.random.default_rng(3)
        blurred = {0.5: 0.5 + rng.normal(0.001, 0.2, 400), 0.4: 0.5 + rng.normal(0, 0.2, 400)}
        assert gate.decide(attempt(0.5, losses=blurred), {"value": 0.4}).promote

    def test_a_champion_that_cannot_be_scored_gives_way(self):
        assert gate.decide(attempt(losses={0.1: np.nan}), {"value": 0.1}).promote


LEADS = next(question for question in QUESTIONS if question.name == "lead_score")


class TestNights:
    """A question's whole night, with real models."""

    @pytest.fixture(scope="class")
    def frame(self):
        return simulate.leads(1500).frame

    def test_learn_then_answer(self, store, frame):
        night = learn(LEADS, frame, simulate.context(), store, trained_at=NIGHT)
        assert night.decision.promote
        rows = answer(LEADS, frame, simulate.context(), store)
        assert rows["model_version"].unique().to_list() == [night.version]
        assert rows["score"].is_between(0, 1).all()
        second = learn(LEADS, frame, simulate.context(), store, trained_at=NIGHT + timedelta(days=1))
        assert second.decision.promote  # the same again is not worse
        assert store.history(QUESTION, TENANT)[0]["gate"]["promoted"]

    def test_a_challenger_taught_nonsense_is_not_promoted(self, store, frame):
        first = learn(LEADS, frame, simulate.context(), store, trained_at=NIGHT)
        question = replace(LEADS, train=worsened(LEADS.train))
        second = learn(question, frame, simulate.context(), store, trained_at=NIGHT + timedelta(days=1))
        assert not second.decision.promote
        assert "worse than the champion" in second.decision.why
        assert store.champion(QUESTION, TENANT) == first.version

    def test_a_refusal_is_kept_and_the_champion_stays(self, store, frame):
        first = learn(LEADS, frame, simulate.context(), store, trained_at=NIGHT)
        refused = learn(
            LEADS, frame.head(10), simulate.context(), store, trained_at=NIGHT + timedelta(days=1)
        )
        assert isinstance(refused.outcome, Refused)
        assert store.load(QUESTION, TENANT).version == first.version

    def test_every_kind_of_model_survives_being_stored(self, store, frame):
        known = lead_score.features.examples(frame, simulate.context())
        for kind in ("logistic", "boosted"):
            fitted = lead_score.model.fit(known, seed=1, kind=kind)
            state = skops.io.loads(skops.io.dumps(fitted.to_state()), trusted=list(registry.TRUSTED))
            again = Classifier.from_state(state)
            assert np.array_equal(again.scores(known.frame), fitted.scores(known.frame))
            assert again.scores_and_reasons(known.frame)[1] == fitted.scores_and_reasons(known.frame)[1]


def worsened(train):
    """A training whose result has the scores upside down."""

    def trained(frame, context):
        outcome = train(frame, context)
        calibration = outcome.state["measured"]["calibration"]
        upside_down = calibration | {"chance": 1 - calibration["chance"], "slope": -calibration["slope"]}
        measured = outcome.state["measured"] | {"calibration": upside_down}
        return replace(outcome, state=outcome.state | {"measured": measured})

    return trained
