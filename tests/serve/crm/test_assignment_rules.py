"""Who gets a lead, by rules alone: fair, within what each one takes, and nobody who is not there."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from serve.crm.assignment.rules import Desk, choose, fits

LEAD = {"source": "web", "country": "DE", "zone_id": None, "tags": ["VIP"]}
PEOPLE = tuple("abcdefg")


def rule(*members, method="round_robin", most=None, **conditions):
    named = [{"user_id": each, "most_open": (most or {}).get(each)} for each in members]
    empty = {"sources": [], "countries": [], "any_tags": [], "zone_ids": []}
    return {"id": conditions.pop("id", "r"), **empty, "method": method, "members": named, **conditions}


teams = st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True)


@given(teams, st.integers(0, 60))
def test_turns_differ_by_one_at_most(team, count):
    desk = Desk(set(PEOPLE))
    got = Counter(choose([rule(*team)], LEAD, desk).user_id for _ in range(count))
    counts = [got[each] for each in team]
    assert sum(counts) == count
    assert max(counts) - min(counts) <= 1


@given(teams, st.sets(st.sampled_from(PEOPLE)), st.integers(1, 40))
def test_whoever_is_not_there_gets_nothing_and_the_others_are_even(team, present, count):
    desk = Desk(present)
    got = Counter(choose([rule(*team)], LEAD, desk).user_id for _ in range(count))
    there = [each for each in team if each in present]
    assert set(got) == ({None} if not there else {each for each in got if each in there})
    if there:
        counts = [got[each] for each in there]
        assert max(counts) - min(counts) <= 1


@given(
    teams,
    st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 5)),
    st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 8)),
    st.sampled_from(["round_robin", "least_open"]),
    st.integers(1, 40),
)
def test_nobody_gets_more_than_they_take(team, most, load, method, count):
    desk = Desk(set(PEOPLE), dict(load))
    got = [choose([rule(*team, method=method, most=most)], LEAD, desk).user_id for _ in range(count)]
    for each in team:
        if each in most:
            assert desk.load.get(each, 0) <= max(most[each], load.get(each, 0))
    free = sum(max(most[each] - load.get(each, 0), 0) if each in most else count for each in team)
    assert sum(each is not None for each in got) == min(count, free)


@given(teams, st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 30)), st.integers(1, 60))
def test_the_least_laden_goes_first(team, load, count):
    desk = Desk(set(PEOPLE), dict(load))
    for _ in range(count):
        lowest = min(desk.load.get(each, 0) for each in team)
        chosen = choose([rule(*team, method="least_open")], LEAD, desk).user_id
        assert chosen is not None
        assert desk.load[chosen] == lowest + 1


def test_whoever_comes_back_is_next_and_does_not_catch_up():
    desk = Desk({"a", "b"})
    team = [rule("a", "b", "c")]
    for _ in range(10):
        choose(team, LEAD, desk)
    desk.present = {"a", "b", "c"}
    assert [choose(team, LEAD, desk).user_id for _ in range(4)] == ["c", "a", "b", "c"]


def test_the_first_rule_that_has_somebody_decides():
    rules = [
        rule("a", id="fair", sources=["fair"]),
        rule("gone", id="gone"),
        rule("b", id="last", method="user"),
    ]
    choice = choose(rules, LEAD, Desk({"a", "b"}))
    assert (choice.rule_id, choice.user_id) == ("last", "b")
    assert choose(rules[:1], LEAD, Desk({"a"})).rule_id is None
    waiting = choose(rules[1:2], LEAD, Desk({"a"}))
    assert (waiting.rule_id, waiting.user_id) == ("gone", None)


def test_every_condition_must_hold():
    assert fits(rule("a", sources=["web", "fair"], countries=["DE"], any_tags=["vip", "x"]), LEAD)
    for conditions in (
        {"sources": ["fair"]},
        {"countries": ["AT"]},
        {"any_tags": ["x"]},
        {"zone_ids": ["z"]},
    ):
        assert not fits(rule("a", **conditions), LEAD)
    assert fits(rule("a", zone_ids=["z"]), {**LEAD, "zone_id": "z"})
