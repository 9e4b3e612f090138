"""Cells of a row as a client would send them in JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from serve.kernel.errors import Invalid
from serve.kernel.resources.files.columns import Column
from serve.kernel.resources.files.readers import Cells

LONGEST_ATTRIBUTE = 5_000
"""Characters of a cell that is kept among the attributes."""

_NAIVE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?")
_BETWEEN_WORDS = re.compile(r"[;,|]")
_NOTHING = object()


class RowReader:
    """``plan`` says what the columns are (``Plan.as_params``), ``columns`` what the fields take."""

    def __init__(self, plan: Mapping[str, Any], columns: Sequence[Column], *, is_text: bool) -> None:
        named = {column.name: column for column in columns}
        self._fields = [(name, named[field]) for name, field in plan["fields"].items()]
        self._attributes: Mapping[str, str] = plan["attributes"]
        self._values: Mapping[str, Mapping[str, Any]] = plan["values"]
        self._defaults: Mapping[str, Any] = plan["defaults"]
        self._is_text = is_text

    def read(self, cells: Cells) -> dict[str, Any]:
        """Raises Invalid."""
        values = dict(self._defaults)
        for name, column in self._fields:
            value = self._value(cells, name, column)
            if value is not _NOTHING and not (value is None and column.name in self._defaults):
                values[column.name] = value
        if self._attributes:
            given = values.get("attributes") or {}
            if isinstance(given, dict):  # anything else is refused by the model
                values["attributes"] = given | self._kept(cells)
        return values

    def _value(self, cells: Cells, name: str, column: Column) -> Any:
        cell = cells.get(name, _NOTHING)
        if name in self._values and cell is not _NOTHING:
            meant = self._values[name]
            said = (
                cell.strip() if isinstance(cell, str) else "" if cell is None else orjson.dumps(cell).decode()
            )
            if said in meant:
                means = meant[said]
                return _NOTHING if means is None and not column.may_be_empty else means
        return value_of(cell, column) if self._is_text else cell

    def _kept(self, cells: Cells) -> dict[str, Any]:
        kept = {}
        for name, key in self._attributes.items():
            cell = cells.get(name)
            if isinstance(cell, str):
                cell = self._values.get(name, {}).get(cell.strip(), cell)
            if cell is None or cell == "":
                continue
            if isinstance(cell, str) and len(cell) > LONGEST_ATTRIBUTE:
                said = f"has more than {LONGEST_ATTRIBUTE:,} characters, too many for an attribute"
                raise Invalid(details=[(f"attributes.{key}", said)])
            kept[key] = cell
        return kept


def value_of(text: str | None, column: Column) -> Any:
    """What a text means in this column. Raises Invalid."""
    if text is None or text == "":
        return None if column.may_be_empty else _NOTHING
    if column.kind == "json":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Invalid(details=[(column.name, "is not JSON")]) from error
    if column.kind == "words":
        return [word for part in _BETWEEN_WORDS.split(text) if (word := part.strip())]
    if column.kind == "moment" and _NAIVE.fullmatch(text):
        return f"{text}{'' if ':' in text else 'T00:00'}Z"  # without a zone it is UTC
    return text if column.kind == "text" else text.strip()
