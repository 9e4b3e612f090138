"""From frames to numbers: stable, bounded, and forgiving about what is missing."""

import json

import numpy as np
import polars as pl
import pytest

from ml.columns import MAX_ATTRIBUTES, MAX_LEVELS, Category, Encoder, FeatureSet
from ml.terms import NotEnoughData

FEATURES = FeatureSet(
    numeric=("size",), categorical=("colour",), refused=frozenset({"label"}), attributes="attributes"
)


def frame(rows: int = 400) -> pl.DataFrame:
    attributes = [
        {"plan": "abc"[n % 3], "charges": str(n * 0.5) if n % 7 else " ", "senior": n % 2, "key": f"id-{n}"}
        for n in range(rows)
    ]
    return pl.DataFrame(
        {
            "size": np.arange(rows, dtype=float),
            "colour": ["red" if n % 3 else "blue" for n in range(rows)],
            "attributes": [json.dumps(one) for one in attributes],
        }
    )


def test_attributes_become_numbers_and_categories_by_what_they_hold():
    encoder = Encoder.fit(frame(), FEATURES)
    kinds = {one.name: type(one).__name__ for one in encoder.inputs}
    assert kinds == {
        "size": "Number",
        "colour": "Category",
        "charges": "Number",
        "plan": "Category",
        "senior": "Number",
    }  # `key` names each row and has no level worth keeping


def test_the_vocabulary_is_fixed_when_learning():
    encoder = Encoder.fit(frame(), FEATURES)
    width = encoder.matrix(encoder.raw(frame())).shape[1]
    odd = pl.DataFrame(
        {"colour": ["green", None], "attributes": ['{"plan": "z", "new": 1, "senior": "x"}', "not json"]}
    )
    matrix = encoder.matrix(encoder.raw(odd))
    assert matrix.shape == (2, width)
    assert np.isnan(matrix[:, encoder.spans()[0]]).all()  # `size` is absent from this frame
    assert matrix[:, encoder.spans()[1]].sum() == 0  # a colour never seen has no column of its own


def test_many_keys_and_levels_stay_bounded():
    rows = [json.dumps({f"k{key}": f"v{n % 50}" for key in range(100)}) for n in range(2000)]
    encoder = Encoder.fit(pl.DataFrame({"attributes": rows}), FEATURES)
    assert len(encoder.inputs) == MAX_ATTRIBUTES
    assert all(isinstance(one, Category) and len(one.levels) <= MAX_LEVELS + 1 for one in encoder.inputs)


def test_the_order_of_rows_does_not_matter():
    shuffled = frame().sample(fraction=1.0, shuffle=True, seed=3)
    assert Encoder.fit(shuffled, FEATURES) == Encoder.fit(frame(), FEATURES)


def test_an_encoder_survives_being_stored():
    encoder = Encoder.fit(frame(), FEATURES)
    again = Encoder.from_state(json.loads(json.dumps(encoder.to_state())))
    assert again == encoder


def test_infinite_readings_count_as_missing():
    numbers = frame().with_columns(pl.lit(float("inf")).alias("size"))
    encoder = Encoder.fit(frame(), FEATURES)
    assert np.isnan(encoder.matrix(encoder.raw(numbers))[:, 0]).all()


def test_nothing_that_varies_is_a_refusal():
    with pytest.raises(NotEnoughData, match="varies"):
        Encoder.fit(pl.DataFrame({"size": [1.0] * 50, "colour": ["red"] * 50}), FEATURES)
