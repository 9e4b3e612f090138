"""From a features table to numbers: only named columns, in an order and with a vocabulary fixed when learning.

A column reaches a model only by being named in a `FeatureSet`; everything else in the frame, labels included, is never
looked at. `attributes` (JSON) is opened up into at most `MAX_ATTRIBUTES` columns.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ml.terms import Floats, NotEnoughData, State

MAX_ATTRIBUTES = 60
MAX_LEVELS = 20
MISSING, OTHER = "(missing)", "(other)"
ALWAYS_REFUSED = frozenset({"tenant_id", "known_until_at", "as_of_at", "as_of_date"})


class LeakyFeature(ValueError):
    """A feature list names a label, or something known only after the moment of scoring."""


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """The columns a question may learn from, and those it must never see.

    `families` joins columns that tell of one thing (a sensor's windows) so that a reason names the thing once.
    `refused` holds labels and later knowledge; attributes of these names (in any spelling) are skipped as well.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    refused: frozenset[str]
    attributes: str | None = None
    families: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {*self.numeric, *self.categorical}
        if leaks := sorted(named & (self.refused | ALWAYS_REFUSED)):
            raise LeakyFeature(f"not known when scoring: {', '.join(leaks)}")

    def refuses_attribute(self, key: str) -> bool:
        return plain_name(key) in {plain_name(name) for name in self.refused}


@dataclass(frozen=True)
class Number:
    """A numeric input; all figures are in the matrix's unit, which is log1p where `log` is set.

    Values beyond `low` and `high` (all but two in a thousand lie between) count as these: a line learnt on what was
    seen says nothing about what never was.
    """

    name: str
    is_attribute: bool
    log: bool
    typical: float
    """The median."""
    spread: float
    """The standard deviation."""
    low: float
    high: float

    def encode(self, values: Floats) -> Floats:
        return np.asarray(
            np.clip(_log(values) if self.log else values, self.low, self.high), dtype=np.float64
        )


@dataclass(frozen=True)
class Category:
    """A categorical input, one 0/1 matrix column a level; the first level is the most common one."""

    name: str
    is_attribute: bool
    levels: tuple[str, ...]


Inputs = dict[str, Any]
"""Raw values a column: an array of float64 with NaN for missing, or a list of str or None."""


@dataclass(frozen=True)
class Encoder:
    """What was fixed when learning: which inputs there are, their vocabulary and their typical values."""

    inputs: tuple[Number | Category, ...]
    families: Mapping[str, str]
    attributes: str | None

    @classmethod
    def fit(cls, frame: pl.DataFrame, features: FeatureSet) -> Encoder:
        """Fix inputs from the rows to learn from. Labels play no part; columns without any variety are left out.

        Raises
        ------
        NotEnoughData
            If nothing varies.
        """
        inputs: list[Number | Category | None] = []
        for name in features.numeric:
            if name in frame.columns:
                inputs.append(_number(name, _floats(frame[name]), is_attribute=False))
        for name in features.categorical:
            if name in frame.columns:
                inputs.append(_category(name, _texts(frame[name]), is_attribute=False))
        for key, values in _attributes(frame, features.attributes).items():
            if features.refuses_attribute(key):
                continue
            numbers = [_as_number(value) for value in values]
            present = sum(value is not None for value in values)
            if sum(number is not None for number in numbers) >= max(0.95 * present, 1):
                inputs.append(_number(key, _nan_array(numbers), is_attribute=True))
            else:
                inputs.append(_category(key, _as_texts(values), is_attribute=True))
        kept = tuple(one for one in inputs if one is not None)
        if not kept:
            raise NotEnoughData("No column to learn from varies.")
        return cls(kept, dict(features.families), features.attributes)

    def raw(self, frame: pl.DataFrame) -> list[Any]:
        """Values of each input as people read them; a column the frame lacks is missing throughout."""
        keys = [one.name for one in self.inputs if one.is_attribute]
        opened = _attributes(frame, self.attributes, keys=keys)
        columns: list[Any] = []
        for one in self.inputs:
            if one.is_attribute:
                values = opened[one.name]
                number = isinstance(one, Number)
                columns.append(_nan_array([_as_number(v) for v in values]) if number else _as_texts(values))
            elif one.name not in frame.columns:
                missing = isinstance(one, Number)
                columns.append(np.full(frame.height, np.nan) if missing else [None] * frame.height)
            else:
                column = frame[one.name]
                columns.append(_floats(column) if isinstance(one, Number) else _texts(column))
        return columns

    def matrix(self, raw: Sequence[Any]) -> Floats:
        """Shape (rows, columns): numbers within bounds (or their log1p), NaN for missing, one 0/1 column a level."""
        blocks = [
            (_log(values) if one.log else values)[:, None]
            if isinstance(one, Number)
            else _one_hot(one, values)
            for one, values in zip(self.inputs, raw, strict=True)
        ]
        return np.hstack(blocks)

    def spans(self) -> list[slice]:
        """The matrix columns of each input."""
        widths = [1 if isinstance(one, Number) else len(one.levels) for one in self.inputs]
        ends = np.cumsum(widths)
        return [slice(int(end - width), int(end)) for end, width in zip(ends, widths, strict=True)]

    def typical(self) -> Floats:
        """One matrix row: every input at its median or its most common level."""
        return np.concatenate(
            [
                np.array([one.typical]) if isinstance(one, Number) else np.eye(len(one.levels))[0]
                for one in self.inputs
            ]
        )

    def groups(self) -> dict[str, list[int]]:
        """Positions of the inputs that one reason speaks for."""
        groups: dict[str, list[int]] = {}
        for place, one in enumerate(self.inputs):
            groups.setdefault(self.families.get(one.name, one.name), []).append(place)
        return groups

    def to_state(self) -> State:
        inputs = [{"type": type(one).__name__} | asdict(one) for one in self.inputs]
        for one in inputs:
            if "levels" in one:
                one["levels"] = list(one["levels"])
        return {"inputs": inputs, "families": dict(self.families), "attributes": self.attributes}

    @classmethod
    def from_state(cls, state: State) -> Encoder:
        inputs: list[Number | Category] = []
        for stored in state["inputs"]:
            values = {name: value for name, value in stored.items() if name != "type"}
            if stored["type"] == "Number":
                inputs.append(Number(**values))
            else:
                inputs.append(Category(**values | {"levels": tuple(values["levels"])}))
        return cls(tuple(inputs), state["families"], state["attributes"])


def plain_name(name: str) -> str:
    """One spelling for `Last Activity`, `last_activity` and `LastActivity `.

    >>> plain_name("Last Activity")
    'lastactivity'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _number(name: str, values: Floats, *, is_attribute: bool) -> Number | None:
    present = values[np.isfinite(values)]
    if len(present) == 0 or (len(present) == len(values) and present.min() == present.max()):
        return None
    low, median, high, top = np.quantile(np.abs(present), (0.25, 0.5, 0.75, 0.995))
    log = bool(top - median > 5 * max(high - low, 1e-9) and top > 20)
    seen = _log(present) if log else present
    edges = np.quantile(seen, (0.001, 0.999))
    spread = float(np.std(seen)) or 1.0
    return Number(name, is_attribute, log, float(np.median(seen)), spread, float(edges[0]), float(edges[1]))


def _category(name: str, values: list[str | None], *, is_attribute: bool) -> Category | None:
    """Levels of at least ten rows and 0.5 %, at most `MAX_LEVELS`; the rest become one level."""
    floor = max(10, 0.005 * len(values))
    counts = Counter(MISSING if value is None else value for value in values)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    levels = [level for level, count in ranked[:MAX_LEVELS] if count >= floor]
    if not levels:
        return None
    if len(levels) < len(ranked) and OTHER not in levels:
        levels.append(OTHER)
    return Category(name, is_attribute, tuple(levels)) if len(levels) > 1 else None


def _one_hot(one: Category, values: list[str | None]) -> Floats:
    place = {level: column for column, level in enumerate(one.levels)}
    other = place.get(OTHER, -1)
    columns = np.array([place.get(MISSING if v is None else v, other) for v in values], dtype=np.int64)
    block = np.zeros((len(values), len(one.levels)))
    rows = np.flatnonzero(columns >= 0)
    block[rows, columns[rows]] = 1.0
    return block


def _log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), dtype=np.float64)


def _floats(column: pl.Series) -> Floats:
    values = np.array(column.cast(pl.Float64, strict=False).to_numpy(), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _texts(column: pl.Series) -> list[str | None]:
    return _as_texts(column.to_list())


def _as_texts(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None or str(value).strip() == "" else str(value).strip() for value in values]


def _as_number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None


def _nan_array(numbers: Sequence[float | None]) -> Floats:
    return np.array([np.nan if number is None else number for number in numbers], dtype=np.float64)


def _attributes(
    frame: pl.DataFrame, column: str | None, keys: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Values of each attribute a row. Without `keys`: those in at least 1 % of rows, commonest first, then by name."""
    if column is None or column not in frame.columns:
        return {key: [None] * frame.height for key in keys or ()}
    series = frame[column]
    texts = series.struct.json_encode() if isinstance(series.dtype, pl.Struct) else series.cast(pl.String)
    rows = [_scalars(text) for text in texts]
    if keys is None:
        counts = Counter(key for row in rows for key in row)
        common = [key for key, count in counts.items() if count >= 0.01 * len(rows)]
        keys = sorted(common, key=lambda key: (-counts[key], key))[:MAX_ATTRIBUTES]
    return {key: [row.get(key) for row in rows] for key in keys}


def _scalars(text: str | None) -> dict[str, Any]:
    """The plain values of a JSON object; anything nested, blank or malformed counts as missing."""
    if not text:
        return {}
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(parsed, dict):
        return {}
    return {
        key: value
        for key, value in parsed.items()
        if isinstance(value, str | int | float) and not (isinstance(value, str) and not value.strip())
    }
