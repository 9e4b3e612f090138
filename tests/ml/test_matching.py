"""Rows of one person are found, those of a family are not taken for one."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.people_set import HELD_OUT, TUNING, rows_of_people
from ml.matching import features, model


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return rows_of_people(TUNING, people=500, seed=3)


@pytest.fixture(scope="module")
def pairs(rows):
    frame = rows.select(features.WANTED)
    return model.predict(model.fit(frame), frame, least=model.THRESHOLD)


def test_most_of_what_it_says_is_so(rows, pairs):
    person = dict(rows.select("unique_id", "person").iter_rows())
    right = [person[left] == person[other] for left, other in pairs.select("left_id", "right_id").iter_rows()]
    assert len(right) > 200
    assert sum(right) / len(right) > 0.97


def test_each_pair_says_why(pairs):
    assert pairs.columns == ["left_id", "right_id", "chance", *model.FIELDS]
    assert pairs["chance"].is_between(model.THRESHOLD, 1).all()
    assert (pairs["name"] > 0).mean() > 0.9


def test_groups_are_of_pairs_that_hang_together():
    pairs = pl.DataFrame(
        {"left_id": ["a", "b", "x"], "right_id": ["b", "c", "y"], "chance": [0.99, 0.96, 0.5]}
    )
    assert model.groups(pairs, least=0.9) == {"a": "a", "b": "a", "c": "a"}


def test_the_two_sets_have_no_word_in_common():
    for name in ("first", "last", "company", "trade", "form", "city", "host"):
        assert not {*getattr(TUNING, name)} & {*getattr(HELD_OUT, name)}, name
    assert not {*TUNING.nicknames.values()} & {*HELD_OUT.nicknames.values()}


def test_one_seed_draws_one_set():
    one, other = (rows_of_people(TUNING, people=50, seed=9) for _ in range(2))
    assert one.equals(other)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Müller", "muller"),
        ("Mueller", "muller"),
        ("Weiß", "weiss"),
        ("Łukasz Díaz", "lukasz diaz"),
        (None, ""),
    ],
)
def test_names_are_written_one_way(written, plain):
    assert features.plain(written) == plain


def test_numbers_are_written_one_way():
    assert {features.number(each, "DE") for each in ("030 901820", "+49 30 901820", "0049 30/901820")} == {
        "+4930901820"
    }
    assert features.number(None, "DE") is None


def test_given_and_family_name_are_told_by_where_they_stand_in_most_rows():
    names = ["Ada Byron", "Ada King", "Mary Byron", "Byron Ada", "Byron, Mary", "B. Byron"]
    frame = pl.DataFrame(
        {"unique_id": [str(n) for n in range(6)], "full_name": names}
        | dict.fromkeys(("email", "phone", "company", "city", "country"))
    )
    told = features.prepared(
        frame.with_columns(pl.col("email", "phone", "company", "city", "country").cast(pl.String))
    )
    assert told["family"].to_list() == ["byron", "king", "byron", "byron", "byron", "byron"]
