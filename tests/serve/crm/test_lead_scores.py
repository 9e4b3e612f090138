"""Leads are scored by the model of their tenant, analysed, and scored anew when they change."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import polars as pl
import pytest

from ml.classifier import Classifier
from serve.crm.scoring.rules import next_step
from serve.crm.scoring.sweeping import score_due
from tests.serve.crm import lead_model
from tests.serve.crm.conftest import LEADS


@pytest.fixture
def registry(firm):
    return firm.running.app.state.models


@pytest.fixture
def version(firm, registry):
    yield lead_model.publish(registry, firm.a)
    lead_model.withdraw(registry, firm.a)


def sweep(firm, registry, seconds=20) -> int:
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return firm.running.wait_for(score_due(firm.running.app.state.worker_database, registry, moment))


def post(client, lead, call):
    answer = client.post(f"{LEADS}/{lead['id']}/{call}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


class TestScore:
    def test_it_says_how_likely_and_why_and_who_said_it(self, firm, owner, registry, version, lead):
        ada = lead(source="referral", company="Nord AG")
        owner.post(f"{LEADS}/{ada['id']}/contact", json={"kind": "call"})
        told = post(owner, ada, "score")
        assert told["model"]["version"] == version
        assert told["model"]["data_until"].startswith("2026-01-31")
        assert (told["features"]["source"], told["features"]["is_company"]) == ("referral", True)
        assert told["features"]["call_count"] == 1
        assert 0 < told["score"] < 1
        assert 1 <= len(told["reasons"]) <= 3
        stored = owner.get(f"{LEADS}/{ada['id']}").json()["data"]
        assert (stored["score"], stored["score_reasons"]) == (told["score"], told["reasons"])
        assert stored["scored_at"] is not None
        assert firm.events(ada["id"])[-1][0] == "lead.scored"

    def test_it_is_what_the_model_itself_says(self, owner, registry, version, firm, lead):
        ada = lead(source="search")
        told = post(owner, ada, "score")
        state = registry.load("lead_score", str(firm.a)).state["served"]
        frame = pl.DataFrame([told["features"]])
        alone = Classifier.from_state(state).scores(frame)[0]
        assert math.isclose(told["score"], alone, rel_tol=1e-9)

    def test_a_fast_reply_of_a_good_source_is_worth_more(self, owner, version, lead):
        good, bad = lead(source="referral", company="AG"), lead(source="bought")
        owner.post(f"{LEADS}/{good['id']}/contact", json={"kind": "call"})
        assert post(owner, good, "score")["score"] > post(owner, bad, "score")["score"] + 0.2

    def test_without_a_model_it_says_what_is_missing(self, owner, lead):
        refused = owner.post(f"{LEADS}/{lead()['id']}/score")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "NO_MODEL")
        assert refused.json()["error"]["details"][0]["field"] == "lead_score"

    def test_the_model_of_another_tenant_answers_nobody_else(self, firm, version):
        client = firm.client("owner", firm.b)
        theirs = client.post(LEADS, json={"full_name": "Theirs"}).json()["data"]
        assert client.post(f"{LEADS}/{theirs['id']}/score").status_code == 503

    def test_a_closed_lead_is_not_scored(self, owner, version, lead):
        lost = lead(status="lost", lost_reason="price")
        refused = owner.post(f"{LEADS}/{lost['id']}/score")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LEAD_CLOSED")

    def test_every_answer_is_kept(self, firm, owner, version, lead):
        ada = lead()
        first = post(owner, ada, "score")
        owner.post(f"{LEADS}/{ada['id']}/contact", json={"kind": "call"})
        second = post(owner, ada, "score")
        listed = owner.get(f"{LEADS}/{ada['id']}/scores").json()
        assert [row["id"] for row in listed["data"]] == [second["id"], first["id"]]
        assert listed["meta"]["total"] == 2
        assert firm.client("owner", firm.b).get(f"{LEADS}/{ada['id']}/scores").status_code == 404
        assert firm.client("viewer").post(f"{LEADS}/{ada['id']}/score").status_code == 403


class TestAnalysis:
    def test_it_puts_together_what_is_known(self, owner, version, lead):
        source = f"s-{uuid4()}"
        for status, more in (("won", {"value_cents": 1}), ("lost", {"lost_reason": "x"})):
            lead(source=source, status=status, **more)
        ada = lead(source=source)
        owner.post(f"{LEADS}/{ada['id']}/notes", json={"body": "Six vans"})
        owner.post(f"{LEADS}/{ada['id']}/contact", json={"kind": "email"})
        owner.post(f"{LEADS}/{ada['id']}/contact", json={"kind": "reply", "direction": "in"})
        told = post(owner, ada, "analyze")
        facts = told["facts"]
        assert facts["activity_counts"] == {"email": 1, "reply": 1}
        assert facts["note_count"] == 1
        assert facts["similar"] == {"closed_count": 2, "won_count": 1, "won_share": 0.5}
        assert facts["next_step"]["rule"] == "answer_reply"
        assert told["score"] is not None
        assert told["unscored_because"] is None
        assert owner.get(f"{LEADS}/{ada['id']}/analysis").json()["data"] == told

    def test_without_a_model_it_says_so_and_what_is_known(self, owner, lead):
        told = post(owner, lead(), "analyze")
        assert (told["score"], told["model"], told["reasons"]) == (None, None, [])
        assert told["unscored_because"]
        assert told["facts"]["next_step"]["rule"] == "answer"

    def test_of_a_closed_lead_the_outcome_is_known(self, owner, version, lead):
        told = post(owner, lead(status="lost", lost_reason="price"), "analyze")
        assert (told["score"], told["facts"]["next_step"]) == (None, None)
        assert told["unscored_because"] == "what became of it is known"

    def test_there_is_none_before_one_was_made(self, firm, owner, version, lead):
        ada = lead()
        post(owner, ada, "score")
        missing = owner.get(f"{LEADS}/{ada['id']}/analysis")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "LEAD_NOT_ANALYSED")
        stranger = firm.client("owner", firm.b)
        assert stranger.post(f"{LEADS}/{ada['id']}/analyze").status_code == 404


NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lead", "last_in", "last_out", "expected"),
    [
        ({"status": "new", "first_replied_at": None}, None, None, "answer"),
        ({"status": "new", "first_replied_at": None}, 1, None, "answer"),
        ({"status": "contacted", "first_replied_at": NOW}, 1, 2, "answer_reply"),
        ({"status": "contacted", "first_replied_at": NOW}, 2, 1, "qualify"),
        ({"status": "contacted", "first_replied_at": NOW}, None, 1, None),
        ({"status": "contacted", "first_replied_at": NOW}, None, 8, "follow_up"),
        ({"status": "qualified", "first_replied_at": NOW}, None, 1, "convert"),
        ({"status": "qualified", "first_replied_at": NOW, "converted_at": NOW}, None, 1, None),
        ({"status": "won", "first_replied_at": None}, 1, None, None),
    ],
)
def test_the_next_step_follows_from_written_rules(lead, last_in, last_out, expected):
    facts = {
        name: None if days is None else NOW - timedelta(days=days)
        for name, days in (("last_in_at", last_in), ("last_out_at", last_out))
    }
    step = next_step({"converted_at": None, **lead}, facts, NOW)
    assert (step and step["rule"]) == expected


class TestChanging:
    @pytest.fixture(autouse=True)
    def _nothing_waits(self, firm):
        firm.sql("update leads set rescore_at = null where rescore_at is not null")

    def test_a_lead_that_changed_is_scored_anew(self, firm, owner, registry, version, lead):
        ada = lead(source="bought")
        assert sweep(firm, registry, seconds=0) == 0
        assert sweep(firm, registry) == 1
        before = owner.get(f"{LEADS}/{ada['id']}").json()["data"]["score"]
        owner.patch(f"{LEADS}/{ada['id']}", json={"city": "Kiel"})
        assert sweep(firm, registry) == 0
        owner.patch(f"{LEADS}/{ada['id']}", json={"source": "referral"})
        owner.post(f"{LEADS}/{ada['id']}/contact", json={"kind": "call"})
        etag = owner.get(f"{LEADS}/{ada['id']}").headers["ETag"]
        assert sweep(firm, registry) == 1
        after = owner.get(f"{LEADS}/{ada['id']}")
        assert after.json()["data"]["score"] > before
        assert after.headers["ETag"] == etag
        kept = owner.get(f"{LEADS}/{ada['id']}/scores").json()["data"]
        assert [row["cause"] for row in kept] == ["changed", "changed"]
        assert kept[0]["score"] == after.json()["data"]["score"]

    def test_many_at_once_are_scored_together(self, firm, owner, registry, version):
        rows = [{"full_name": f"Many {n}", "source": ("referral", "bought")[n % 2]} for n in range(300)]
        owner.post(f"{LEADS}/bulk", json={"rows": rows})
        assert sweep(firm, registry) == 300
        assert sweep(firm, registry) == 0

    def test_without_a_model_nothing_waits_for_ever(self, firm, registry, lead):
        ada = lead()
        assert sweep(firm, registry) == 0
        assert firm.sql("select rescore_at from leads where id = %s", ada["id"]) == [(None,)]


class TestKept:
    def test_of_each_lead_the_newest_answers_stay(self, firm, owner, registry, version, lead):
        most = firm.running.app.state.settings.lead_scores_kept
        ada, bea = lead(source="search"), lead(source="search")
        analysis = post(owner, ada, "analyze")
        told = [post(owner, ada, "score")["id"] for _ in range(most + 3)]
        post(owner, bea, "score")
        shown = owner.get(f"{LEADS}/{ada['id']}/scores", params={"limit": 100}).json()["data"]
        # The analysis is older than all of them, and is still what was found last.
        assert [each["id"] for each in shown] == [*reversed(told[-most:]), analysis["id"]]
        assert owner.get(f"{LEADS}/{ada['id']}/analysis").json()["data"]["id"] == analysis["id"]
        newer = post(owner, ada, "analyze")
        left = {
            row_id
            for (row_id,) in firm.sql("select id::text from lead_analyses where lead_id = %s", ada["id"])
        }
        assert left == {newer["id"], *told[-most + 1 :]}
        assert len(owner.get(f"{LEADS}/{bea['id']}/scores").json()["data"]) == 1

    def test_those_that_follow_from_changes_are_forgotten_too(self, firm, owner, registry, version, lead):
        ada = lead(source="search")
        for source in ("referral", "bought", "search", "referral"):
            owner.patch(f"{LEADS}/{ada['id']}", json={"source": source})
            moment = datetime.now(UTC) + timedelta(seconds=20)
            state = firm.running.app.state
            firm.running.wait_for(score_due(state.worker_database, registry, moment, kept=2))
        count = "select count(*) from lead_analyses where lead_id = %s and cause = 'changed'"
        assert firm.sql(count, ada["id"]) == [(2,)]


def test_what_models_are_read_with_is_loaded_before_it_is_asked_for(tmp_path):
    """In a process of its own, where nothing else has loaded it; without any model nothing is loaded."""
    program = (
        "import sys; from pathlib import Path; from ml.registry import Registry;"
        "from serve.crm.scoring.predicting import warm; root = Path(sys.argv[1]);"
        "warm(Registry(root)); assert 'sklearn' not in sys.modules;"
        "place = root / 'lead_score' / 'a' / 'champion'; place.parent.mkdir(parents=True); place.touch();"
        "warm(Registry(root)); assert {'sklearn', 'skops.io', 'ml.classifier'} <= {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
