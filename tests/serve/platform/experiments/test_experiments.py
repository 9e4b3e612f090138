"""Experiments: who takes part keeps the variant, what was seen is counted once, and a crooked split is noticed."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from scipy.stats import chisquare

from serve.platform.experiments.errors import ExperimentInvalid, ExperimentRunning, ExperimentState
from serve.platform.experiments.rules import check_experiment, check_start, ratio_p
from tests.serve.firm import Firm

FLAGS, EXPERIMENTS, TRIED = "/api/v1/feature-flags", "/api/v1/experiments", "/api/v1/experimental"
HALVES = [{"name": "short", "value": True, "weight": 1.0}, {"name": "long", "value": False, "weight": 1.0}]
DRAFT = {
    "flag_id": "f",
    "primary_metric": "revenue_cents",
    "variants": HALVES,
    "conditions": [],
    "percent": 50.0,
    "status": "draft",
}


def make(firm: Firm, flag: dict | None = None, **values) -> tuple[dict, dict]:
    owner = firm.client()
    body = {"key": f"flag-{uuid4().hex[:8]}", "name": "A flag", "is_enabled": True, "percent": 0}
    flag = flag or owner.post(FLAGS, json=body).json()["data"]
    tried = {
        "flag_id": flag["id"],
        "name": "One page or three",
        "hypothesis": "One brings more.",
        "primary_metric": "revenue_cents",
        "variants": HALVES,
    }
    made = owner.post(EXPERIMENTS, json=tried | values)
    assert made.status_code == 201, made.text
    return flag, made.json()["data"]


def do(firm: Firm, experiment: dict, what: str, status: int = 200) -> dict:
    answer = firm.client().post(f"{EXPERIMENTS}/{experiment['id']}/{what}")
    assert answer.status_code == status, answer.text
    firm.running.app.state.flags.copies._copies.clear()
    return answer.json()


def seen_by(firm: Firm, flag: dict, subject: str, **attributes) -> dict:
    asked = {
        "keys": [flag["key"]],
        "context": {"subject": subject, "attributes": attributes},
        "note_exposure": True,
    }
    [given] = firm.client().post(f"{FLAGS}/evaluate", json=asked).json()["data"]
    return given


def results(firm: Firm, experiment: dict) -> dict:
    state = firm.running.app.state
    firm.running.wait_for(state.flags.sightings.write(state.worker_database))
    return firm.client("viewer").get(f"{EXPERIMENTS}/{experiment['id']}/results").json()["data"]


class TestStates:
    def test_from_draft_to_running_to_stopped_and_never_back(self, firm):
        _, tried = make(firm)
        do(firm, tried, "stop", 409)
        started = do(firm, tried, "start")["data"]
        assert (started["status"], started["stopped_at"]) == ("running", None)
        do(firm, tried, "start", 409)
        stopped = do(firm, tried, "stop")["data"]
        assert stopped["stopped_at"] > started["started_at"]
        for what in ("start", "stop"):
            assert do(firm, tried, what, 409)["error"]["code"] == "EXPERIMENT_STATE"
        names = [name for name, *_ in firm.events(tried["id"])]
        assert names == ["experiment.created", "experiment.started", "experiment.stopped"]

    def test_what_decides_who_gets_what_is_fixed_from_the_start_on(self, firm):
        _, tried = make(firm, percent=20, conditions=[{"attribute": "role", "values": ["owner"]}])
        do(firm, tried, "start")
        owner, place = firm.client(), f"{EXPERIMENTS}/{tried['id']}"
        uneven = [HALVES[0] | {"weight": 9.0}, HALVES[1]]
        for changes in (
            {"variants": uneven},
            {"percent": 10},
            {"conditions": []},
            {"primary_metric": "job_count"},
        ):
            refused = owner.patch(place, json=changes)
            assert refused.status_code == 409, refused.text
            assert [each["field"] for each in refused.json()["error"]["details"]] == list(changes)
        assert (
            owner.patch(place, json={"percent": 40, "name": "Shorter", "variants": HALVES}).status_code == 200
        )
        whole = {
            name: tried[name]
            for name in ("flag_id", "name", "hypothesis", "primary_metric", "variants", "conditions")
        }
        assert owner.put(place, json=whole | {"percent": 40}).status_code == 200
        do(firm, tried, "stop")
        assert owner.patch(place, json={"percent": 50}).status_code == 409
        assert owner.patch(place, json={"conclusion": "Short it is."}).status_code == 200

    def test_one_at_a_time_runs_on_a_flag(self, firm):
        flag, first = make(firm)
        _, second = make(firm, flag)
        do(firm, first, "start")
        assert do(firm, second, "start", 409)["error"]["code"] == "FLAG_OCCUPIED"
        do(firm, first, "stop")
        do(firm, second, "start")

    def test_what_must_be_so_when_it_starts(self, firm):
        flag, tried = make(firm, variants=[{"name": "a"}, {"name": "b"}])
        refused = do(firm, tried, "start", 422)
        assert refused["error"]["details"][0]["field"] == "variants"
        flag, tried = make(firm)
        firm.client().post(f"{FLAGS}/{flag['id']}/archive")
        assert do(firm, tried, "start", 422)["error"]["details"][0]["field"] == "flag_id"
        firm.client().delete(f"{FLAGS}/{flag['id']}")
        do(firm, tried, "start", 404)

    def test_rules(self):
        running, stopped = DRAFT | {"status": "running"}, DRAFT | {"status": "stopped"}
        check_experiment(DRAFT, DRAFT | {"percent": 1, "variants": [*HALVES, HALVES[0] | {"name": "c"}]})
        check_experiment(running, running | {"percent": 51})
        for before, after in ((DRAFT, stopped), (running, DRAFT), (stopped, running)):
            with pytest.raises(ExperimentState):
                check_experiment(before, after)
        with pytest.raises(ExperimentRunning):
            check_experiment(running, running | {"percent": 49})
        for variants in ([HALVES[0], HALVES[0]], [HALVES[0], HALVES[1] | {"weight": 0}]):
            with pytest.raises(ExperimentInvalid):
                check_experiment(None, DRAFT | {"variants": variants})

    def test_a_metric_that_nobody_measures(self):
        flag = {"archived_at": None, "kind": "boolean"}
        check_start(DRAFT, flag, None)  # nobody can look
        check_start(DRAFT, flag, frozenset({"revenue_cents"}))
        with pytest.raises(ExperimentInvalid) as refused:
            check_start(DRAFT, flag, frozenset({"job_count"}))
        assert dict(refused.value.details).keys() == {"primary_metric"}


class TestRunning:
    def test_variants_come_as_weighed_and_stay_when_it_grows(self, firm):
        flag, tried = make(firm, percent=30)
        do(firm, tried, "start")
        people = [f"customer-{number}" for number in range(400)]
        first = {each: seen_by(firm, flag, each) for each in people}
        part = {each for each in people if first[each]["reason"] == "experiment"}
        assert chisquare([len(part), 400 - len(part)], [120, 280]).pvalue > 1e-4
        counts = Counter(first[each]["variant"] for each in part)
        assert chisquare([counts["short"], counts["long"]]).pvalue > 1e-4
        assert {first[each]["value"] for each in set(people) - part} == {False}
        firm.client().patch(f"{EXPERIMENTS}/{tried['id']}", json={"percent": 60})
        firm.running.app.state.flags.copies._copies.clear()
        again = {each: seen_by(firm, flag, each) for each in people}
        assert all(again[each] == first[each] for each in part)
        assert sum(each["reason"] == "experiment" for each in again.values()) > len(part)

        found = results(firm, tried)
        counted = {each["variant"]: each["exposed_count"] for each in found["variants"]}
        assert counted == Counter(
            each["variant"] for each in again.values() if each["reason"] == "experiment"
        )
        assert (found["exposed_count"], found["is_ratio_suspect"]) == (sum(counted.values()), False)
        rows = firm.sql(
            "select count(*), count(distinct subject) from flag_exposures where experiment_id = %s",
            tried["id"],
        )
        assert rows == [(found["exposed_count"], found["exposed_count"])]

    def test_the_flags_switch_and_its_audience_are_stronger(self, firm):
        flag, tried = make(firm, conditions=[{"attribute": "plan", "values": ["gold"]}])
        do(firm, tried, "start")
        assert seen_by(firm, flag, "s", plan="gold")["reason"] == "experiment"
        assert seen_by(firm, flag, "s", plan="tin")["reason"] == "outside_rollout"
        firm.client().patch(f"{FLAGS}/{flag['id']}", json={"is_enabled": False})
        firm.running.app.state.flags.copies._copies.clear()
        assert seen_by(firm, flag, "s", plan="gold")["reason"] == "off"
        do(firm, tried, "stop")
        firm.client().patch(f"{FLAGS}/{flag['id']}", json={"is_enabled": True})
        firm.running.app.state.flags.copies._copies.clear()
        assert seen_by(firm, flag, "s", plan="gold")["reason"] == "outside_rollout"

    def test_a_crooked_split_is_noticed(self, firm):
        flag, tried = make(firm)
        do(firm, tried, "start")
        firm.sql(
            "insert into flag_exposures (tenant_id, flag_id, experiment_id, subject, variant, first_seen_at)"
            " select %s, %s, %s, 's-' || n, case when n %% 3 = 0 then 'long' else 'short' end, now()"
            " from generate_series(1, 900) n",
            *(firm.a, flag["id"], tried["id"]),
        )
        found = results(firm, tried)
        assert found["is_ratio_suspect"]
        assert found["ratio_p"] < 1e-10
        assert [each["exposed_share"] for each in found["variants"]] == pytest.approx([2 / 3, 1 / 3])

    def test_the_measure_of_crookedness_is_the_librarys(self):
        for counts, weights in (([10, 20, 30], [1, 1, 1]), ([55, 45], [1, 1]), ([90, 5, 15], [8, 1, 1])):
            expected = [sum(counts) * weight / sum(weights) for weight in weights]
            assert ratio_p(counts, weights) == pytest.approx(chisquare(counts, expected).pvalue)
        assert ratio_p([0, 0], [1, 1]) is None
        assert ratio_p([5, 0, 5], [1, 0, 1]) == 1.0


class TestBeta:
    def test_who_joins_gets_what_others_do_not_yet(self, firm):
        rule = {"conditions": [{"attribute": "is_beta", "values": [True]}], "variant": "on"}
        body = {
            "key": "for-beta",
            "name": "For beta users",
            "is_enabled": True,
            "percent": 0,
            "rules": [rule],
        }
        assert firm.client().post(FLAGS, json=body).status_code == 201

        def has(role: str) -> bool:
            firm.running.app.state.flags.copies._copies.clear()
            [given] = firm.client(role).post(f"{FLAGS}/evaluate", json={"keys": ["for-beta"]}).json()["data"]
            return given["value"]

        assert not has("agent")
        agent = firm.client("agent")
        for _ in range(2):
            assert agent.put(f"{TRIED}/beta-users/me").json()["data"]["is_beta"] is True
        assert has("agent")
        assert not has("technician")
        technician = firm.people[firm.a, "technician"]
        assert firm.client("agent").put(f"{TRIED}/beta-users/{technician}").status_code == 403
        assert firm.client("manager").put(f"{TRIED}/beta-users/{technician}").status_code == 200
        assert has("technician")
        shown = firm.client().get(f"{TRIED}/features").json()["data"]["beta_users"]
        assert [(each["full_name"], each["source"]) for each in shown] == [
            ("Agent of A", "self"),
            ("Technician of A", "team"),
        ]
        assert firm.client("owner", firm.b).get(f"{TRIED}/features").json()["data"]["beta_users"] == []
        assert agent.delete(f"{TRIED}/beta-users/me").json()["data"]["is_beta"] is False
        assert not has("agent")
        events = firm.sql("select name from events where entity_type = 'beta_user' order by position")
        assert [name for (name,) in events] == ["beta_user.created", "beta_user.created", "beta_user.removed"]

    def test_strangers_cannot_be_put_in(self, firm):
        stranger = firm.people[firm.b, "agent"]
        assert firm.client().put(f"{TRIED}/beta-users/{stranger}").status_code == 404
        assert firm.sql("select 1 from beta_users where user_id = %s", stranger) == []


def test_everything_that_is_tried_out(firm):
    flag, tried = make(firm)
    do(firm, tried, "start")
    for person in ("p-1", "p-2", "p-1"):
        seen_by(firm, flag, person)
    firm.client("agent").put(f"{FLAGS}/{flag['id']}/feedback", json={"rating": 2})
    firm.client("owner").put(f"{FLAGS}/{flag['id']}/feedback", json={"rating": 5})
    results(firm, tried)
    shown = firm.client("viewer").get(f"{TRIED}/features").json()["data"]
    [mine] = [each for each in shown["feature_flags"] if each["key"] == flag["key"]]
    assert (mine["experiment_id"], mine["percent"]) == (tried["id"], 0)
    [used] = [each for each in shown["metrics"]["features"] if each["key"] == flag["key"]]
    assert used == {
        "key": flag["key"],
        "use_count": 3,
        "exposed_count": 2,
        "feedback_count": 2,
        "rating_mean": 3.5,
    }
    [ran] = [each for each in shown["metrics"]["experiments"] if each["experiment_id"] == tried["id"]]
    assert (ran["status"], ran["exposed_count"], ran["flag_key"]) == ("running", 2, flag["key"])
    assert firm.client("agent").get(f"{TRIED}/features").status_code == 403
