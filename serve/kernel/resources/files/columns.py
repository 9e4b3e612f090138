"""Columns of a file, and what kind of values each holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_origin

from pydantic import BaseModel

from serve.kernel.resources.filters import _bare, are_words

Kind = Literal["text", "integer", "number", "boolean", "date", "moment", "words", "json"]

_KINDS: dict[Any, Kind] = {
    int: "integer",
    float: "number",
    bool: "boolean",
    date: "date",
    datetime: "moment",
    Any: "json",
    dict: "json",
    list: "json",
}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    may_be_empty: bool


def columns_of(model: type[BaseModel], names: Iterable[str]) -> list[Column]:
    """The fields of a model as columns of a file."""
    found = []
    for name in names:
        bare, empty = _bare(model.model_fields[name].annotation)
        # What has no kind of its own (texts, choices, ids, addresses) is text.
        kind = "words" if are_words(bare) else _KINDS.get(bare) or _KINDS.get(get_origin(bare), "text")
        found.append(Column(name, kind, empty))
    return found
