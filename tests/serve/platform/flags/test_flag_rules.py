"""Who gets what: every way through the decision, and what must hold of any flag whatever."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from serve.platform.flags.errors import FlagArchived, FlagInvalid
from serve.platform.flags.rules import (
    Condition,
    Context,
    Experiment,
    Flag,
    Rule,
    Step,
    Variant,
    bucket,
    check_flag,
    check_segment,
    evaluate,
    holds,
    is_fit,
    percent_at,
    split,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = Context("ada", {"role": "manager", "email_domain": "north.example", "vans": 12, "is_beta": True})
PEOPLE = [f"person-{number}" for number in range(20_000)]
COLOURS = (Variant("blue", "#00f", 1), Variant("red", "#f00", 3), Variant("none", None, 0))


def flag(**values) -> Flag:
    return Flag("f-1", "new-checkout", **values)


def taken(percent: float, of: str = "f-1") -> set[str]:
    each = Flag(of, "x", percent=percent)
    return {person for person in PEOPLE if evaluate(each, Context(person), NOW).value}


class TestOrder:
    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"is_archived": True}, "archived"),
            ({"is_enabled": False}, "off"),
            ({"starts_at": NOW + HOUR}, "not_started"),
            ({"ends_at": NOW}, "ended"),
        ],
    )
    def test_a_closed_flag_gives_its_default_whatever_else_it_says(self, values, reason):
        always = flag(
            rules=(Rule(variant="on"),), experiment=Experiment("e", (Variant("on", True),)), **values
        )
        assert evaluate(always, ADA, NOW)[:3] == (False, "off", reason)
        assert evaluate(replace(always, default="on"), ADA, NOW).value is True

    def test_the_moment_of_the_start_is_within_and_that_of_the_end_is_not(self):
        dated = flag(starts_at=NOW, ends_at=NOW + HOUR)
        assert evaluate(dated, ADA, NOW).value is True
        assert evaluate(dated, ADA, NOW + HOUR).reason == "ended"

    def test_the_first_rule_that_holds_decides(self):
        rules = (
            Rule((Condition("role", "is_one_of", ("agent",)),), variant="on"),
            Rule((Condition("role", "is_one_of", ("manager",)),), variant="off"),
            Rule(variant="on"),
        )
        assert evaluate(flag(rules=rules), ADA, NOW) == (False, "off", "rule", 1, None)

    def test_whom_a_rules_percentage_leaves_out_no_later_rule_takes_in(self):
        rules = (Rule(percent=0), Rule(variant="on"))
        assert evaluate(flag(rules=rules), ADA, NOW) == (False, "off", "outside_rule", 0, None)

    def test_without_a_rule_the_flags_own_percentage_decides(self):
        assert evaluate(flag(), ADA, NOW) == (True, "on", "rollout", None, None)
        assert evaluate(flag(percent=0), ADA, NOW) == (False, "off", "outside_rollout", None, None)

    def test_all_conditions_of_a_rule_must_hold(self):
        both = (Condition("role", "is_one_of", ("manager",)), Condition("vans", "more_than", (12,)))
        assert evaluate(flag(percent=0, rules=(Rule(both),)), ADA, NOW).reason == "outside_rollout"

    def test_an_experiment_goes_first_and_only_for_whom_it_takes_in(self):
        test = Experiment(
            "e-1", (Variant("a", 1), Variant("b", 2)), (Condition("is_beta", "is_one_of", (True,)),)
        )
        tried = flag(rules=(Rule(variant="off"),), experiment=test)
        verdict = evaluate(tried, ADA, NOW)
        assert (verdict.reason, verdict.experiment_id) == ("experiment", "e-1")
        assert verdict.variant in ("a", "b")
        assert evaluate(tried, Context("bob"), NOW).reason == "rule"
        assert evaluate(replace(tried, experiment=replace(test, percent=0.0)), ADA, NOW).reason == "rule"

    def test_a_variant_without_a_weight_is_given_only_by_name(self):
        coloured = flag(variants=COLOURS, default="none")
        assert "none" not in {evaluate(coloured, Context(each), NOW).variant for each in PEOPLE[:500]}
        assert evaluate(replace(coloured, rules=(Rule(variant="none"),)), ADA, NOW).variant == "none"


class TestSteps:
    STEPS = (Step(NOW, 10), Step(NOW + HOUR, 50), Step(NOW + 2 * HOUR, 0))

    @pytest.mark.parametrize(("after", "percent"), [(-1, 3), (0, 10), (0.5, 10), (1, 50), (1.9, 50), (9, 0)])
    def test_the_last_step_that_has_come_counts(self, after, percent):
        assert percent_at(flag(percent=3, steps=self.STEPS), NOW + after * HOUR) == percent


class TestShares:
    def test_more_is_never_others(self):
        assert taken(0) == set()
        assert taken(10) < taken(20) < taken(50) < taken(100) == set(PEOPLE)

    @pytest.mark.parametrize("percent", [1, 10, 33.3, 50, 90])
    def test_a_percentage_is_that_share_of_the_people(self, percent):
        expected = len(PEOPLE) * percent / 100
        count = len(taken(percent))
        assert chisquare([count, len(PEOPLE) - count], [expected, len(PEOPLE) - expected]).pvalue > 1e-4

    def test_places_are_spread_evenly(self):
        found = [0] * 100
        for person in PEOPLE:
            found[int(bucket("f-1", person))] += 1
        assert chisquare(found).pvalue > 1e-4

    def test_two_flags_choose_independently(self):
        both = len(taken(50) & taken(50, of="f-2"))
        assert chisquare([both, len(PEOPLE) - both], [len(PEOPLE) / 4, len(PEOPLE) * 3 / 4]).pvalue > 1e-4

    def test_variants_come_as_often_as_they_weigh_and_independently_of_the_percentage(self):
        for people in (PEOPLE, sorted(taken(20))):
            counts = {"blue": 0, "red": 0}
            for person in people:
                counts[split(COLOURS, "f-1", person).name] += 1
            expected = [len(people) / 4, len(people) * 3 / 4]
            assert chisquare([counts["blue"], counts["red"]], expected).pvalue > 1e-4

    @given(
        salt=st.text(max_size=20),
        subject=st.text(max_size=40),
        low=st.floats(0, 100),
        high=st.floats(0, 100),
    )
    @settings(max_examples=300, deadline=None)
    def test_whoever_is_in_stays_in_when_it_grows(self, salt, subject, low, high):
        low, high = sorted((low, high))
        assert 0 <= bucket(salt, subject) < 100
        if evaluate(Flag(salt, "x", percent=low), Context(subject), NOW).value:
            assert evaluate(Flag(salt, "x", percent=high), Context(subject), NOW).value

    @given(
        weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=8).filter(any),
        subject=st.text(max_size=20),
    )
    @settings(max_examples=300, deadline=None)
    def test_only_what_weighs_something_is_chosen(self, weights, subject):
        variants = [Variant(str(place), place, weight) for place, weight in enumerate(weights)]
        assert split(variants, "s", subject).weight > 0
        assert split(variants, "s", subject) == split(variants, "s", subject)


class TestConditions:
    @pytest.mark.parametrize(
        ("attribute", "operator", "values", "expected"),
        [
            ("role", "is_one_of", ["agent", "manager"], True),
            ("role", "is_one_of", ["Manager"], False),
            ("role", "is_not_one_of", ["agent"], True),
            ("role", "is_not_one_of", ["agent", "manager"], False),
            ("nothing", "is_not_one_of", ["agent"], False),
            ("nothing", "is_one_of", ["agent"], False),
            ("nothing", "is_not_set", [], True),
            ("role", "is_not_set", [], False),
            ("role", "is_set", [], True),
            ("nothing", "is_set", [], False),
            ("email_domain", "contains", ["orth"], True),
            ("email_domain", "starts_with", ["south", "north"], True),
            ("email_domain", "ends_with", [".com"], False),
            ("vans", "contains", ["1"], False),
            ("vans", "at_least", [12], True),
            ("vans", "at_most", [11.5], False),
            ("vans", "more_than", [11], True),
            ("vans", "less_than", [12], False),
            ("is_beta", "at_least", [0], False),
            ("role", "at_least", [0], False),
            ("is_beta", "is_one_of", [True], True),
            ("is_beta", "is_one_of", [1], False),
            ("one", "is_one_of", [True], False),
            ("one", "is_one_of", [1.0], True),
            ("one", "is_one_of", ["1"], False),
            ("joined", "after", ["2026-01-31"], True),
            ("joined", "before", ["2026-02-01T12:00:00+02:00"], True),
            ("joined", "before", ["2026-02-01T09:00:00Z"], False),
            ("role", "before", ["2026-02-01"], False),
            ("tags", "is_one_of", ["night"], True),
            ("tags", "is_not_one_of", ["night"], False),
            ("tags", "is_not_one_of", ["weekend"], True),
        ],
    )
    def test_what_holds(self, attribute, operator, values, expected):
        more = {"one": 1, "joined": "2026-02-01T09:00:00Z", "tags": ["day", "night"]}
        context = replace(ADA, attributes={**ADA.attributes, **more})
        assert holds(Condition(attribute, operator, values), context) is expected

    @pytest.mark.parametrize(
        ("operator", "values", "expected"),
        [
            ("is_one_of", ["north"], True),
            ("is_one_of", ["south", "unknown"], False),
            ("is_not_one_of", ["south", "unknown"], True),
            ("is_not_one_of", ["north"], False),
            ("is_set", [], True),
            ("is_not_set", [], False),
        ],
    )
    def test_segments(self, operator, values, expected):
        segments = {
            "north": (Condition("email_domain", "is_one_of", ("north.example",)),),
            "south": (Condition("email_domain", "is_one_of", ("south.example",)),),
        }
        claimed = {**ADA.attributes, "segment": "south"}  # nobody can say it of themselves
        context = Context("ada", claimed, segments)
        assert holds(Condition("segment", operator, values), context) is expected

    @given(
        operator=st.sampled_from(["contains", "at_least", "before", "is_one_of", "is_not_one_of", "is_set"]),
        value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())),
        wanted=st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    )
    @settings(max_examples=500, deadline=None)
    def test_whatever_somebody_says_never_fails(self, operator, value, wanted):
        values = [] if operator == "is_set" else [wanted]
        if is_fit(operator, values):
            assert holds(Condition("x", operator, values), Context("s", {"x": value})) in (True, False)


FIT = {
    "kind": "boolean",
    "variants": [],
    "default_variant": "off",
    "rules": [],
    "steps": [],
    "starts_at": None,
    "ends_at": None,
    "archived_at": None,
}
BLUE = {"name": "blue", "value": None, "weight": 1}


class TestWhatMayBeStored:
    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"variants": [BLUE]}, "variants"),
            ({"default_variant": "blue"}, "default_variant"),
            ({"rules": [{"variant": "blue"}]}, "rules[0].variant"),
            ({"kind": "variants"}, "variants"),
            ({"kind": "variants", "variants": [BLUE, BLUE], "default_variant": "blue"}, "variants"),
            (
                {"kind": "variants", "variants": [{**BLUE, "weight": 0}], "default_variant": "blue"},
                "variants",
            ),
            ({"steps": [{"at": "2026-03-02T00:00:00Z"}, {"at": "2026-03-01T00:00:00.5Z"}]}, "steps"),
            ({"starts_at": NOW, "ends_at": NOW}, "ends_at"),
        ],
    )
    def test_parts_that_do_not_go_together_are_named(self, values, field):
        with pytest.raises(FlagInvalid) as refused:
            check_flag(None, FIT | values)
        assert field in dict(refused.value.details)

    def test_what_is_in_the_archive_stays_as_it_is(self):
        check_flag(FIT, FIT | {"archived_at": NOW})
        check_flag(FIT | {"archived_at": NOW}, FIT)
        with pytest.raises(FlagArchived):
            check_flag(FIT | {"archived_at": NOW}, FIT | {"archived_at": NOW})

    def test_a_segment_is_not_made_of_segments(self):
        check_segment(None, {"conditions": [{"attribute": "role"}]})
        with pytest.raises(FlagInvalid):
            check_segment(None, {"conditions": [{"attribute": "segment"}]})


def test_the_order_of_people_makes_no_difference():
    """Nothing is counted on the way: who is asked when, and how often, changes nothing."""
    shuffled = random.Random(7).sample(PEOPLE, 500)
    first = [evaluate(flag(percent=50), Context(each), NOW) for each in shuffled]
    assert [evaluate(flag(percent=50), Context(each), NOW) for each in reversed(shuffled)] == first[::-1]
