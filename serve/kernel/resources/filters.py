"""Typed filters of a list, from the types of what is read.

A text, a choice or an id is compared with one value or several (``status=new,won``); a number has ``min_`` and
``max_`` beside it, a day or a moment ``_start`` and ``_end`` (both included); where a column may be empty,
``has_`` asks whether it is; a list of words is asked for all of some words, or with ``any_`` for one of them.
Anything else is an unknown parameter and refused.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, EmailStr, Field, create_model

from serve.kernel.envelope import Day
from serve.kernel.paging import Paged

Words = dict[str, Any]
Word = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


Way = Literal["equal", "range", "other"]


@dataclass(frozen=True, slots=True)
class Filter:
    """``sql`` of what was asked, with ``{}`` where the bound value goes; ``value`` makes what is bound.

    ``column`` and ``way`` say by which index it can be answered.
    """

    column: str
    way: Way
    sql: Callable[[Any], str]
    value: Callable[[Any], Any] = lambda asked: asked

    def condition(self, asked: Any, bind: Callable[[Any], str]) -> str:
        sql = self.sql(asked)
        return sql.format(bind(self.value(asked))) if "{}" in sql else sql


def _is(column: str, way: Way, operation: str) -> Filter:
    return Filter(column, way, lambda asked: f"t.{column} {operation}")


def _among(column: str, kind: str) -> Filter:
    """One value or several. Of one alone the database knows that rows come in the order of its index."""

    def value(asked: list[Any]) -> Any:
        words = [str(each) for each in asked] if kind == "uuid" else asked
        return words[0] if len(words) == 1 else words

    return Filter(
        column,
        "equal",
        lambda asked: (
            f"t.{column} = {{}}::{kind}" if len(asked) == 1 else f"t.{column} = any({{}}::{kind}[])"
        ),
        value,
    )


def _there(column: str) -> Filter:
    return Filter(column, "range", lambda asked: f"t.{column} is {'not ' if asked else ''}null")


# A moment is compared with a moment: under row security no index is asked about one and a day.
_FROM, _UNTIL = ">= {}::date::timestamptz", "< ({}::date + 1)::timestamptz"


def split(asked: Any) -> Any:
    """``a,b`` is ``a`` and ``b``, whether sent once or as two parameters."""
    words = asked if isinstance(asked, list) else [asked]
    return [part.strip() for word in words for part in (word.split(",") if isinstance(word, str) else [word])]


def _set(kind: Any) -> Any:
    return Annotated[list[kind], BeforeValidator(split), Field(max_length=200)]


def _day_end(asked: date) -> datetime:
    return datetime(asked.year, asked.month, asked.day) + timedelta(days=1)


def filters_of(
    read: type[BaseModel], columns: Iterable[str], arrays: Collection[str]
) -> tuple[Words, dict[str, Filter]]:
    """The parameters as fields of a query model, and what each means in SQL (``t`` is the table).

    ``arrays`` are the lists of words that are no JSON.
    """
    parameters: Words = {
        "ids": (_set(UUID) | None, Field(None, description="Only these rows.")),
        "date_start": (Day | None, Field(None, description="Made on this day (UTC) or later.")),
        "date_end": (Day | None, Field(None, description="Made on this day (UTC) or earlier.")),
    }
    found = {
        "ids": _among("id", "uuid"),
        "date_start": _is("created_at", "range", _FROM),
        "date_end": _is("created_at", "range", _UNTIL),
    }
    for name in columns:
        info = read.model_fields[name]
        kind, empty = _bare(info.annotation)
        for parameter, annotation, entry in _for(name, kind, is_array=name in arrays):
            about = f"{info.description or name.replace('_', ' ').capitalize()}"
            parameters[parameter] = (annotation | None, Field(None, description=f"Filter: {about}"))
            found[parameter] = entry
        if empty:
            parameters[f"has_{name}"] = (bool | None, Field(None, description=f"Whether there is a {name}."))
            found[f"has_{name}"] = _there(name)
    return parameters, found


def _for(name: str, kind: Any, *, is_array: bool) -> list[tuple[str, Any, Filter]]:
    if kind is bool:
        return [(name, bool, _is(name, "equal", "= {}"))]
    if kind is UUID:
        return [(name, _set(UUID), _among(name, "uuid"))]
    if kind in (int, float):
        cast = "bigint" if kind is int else "double precision"
        within: Any = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] if kind is int else float
        return [
            (name, _set(within), _among(name, cast)),
            (f"min_{name}", within, _is(name, "range", f">= {{}}::{cast}")),
            (f"max_{name}", within, _is(name, "range", f"<= {{}}::{cast}")),
        ]
    if kind in (date, datetime):
        since, until = (_FROM, _UNTIL) if kind is datetime else (">= {}", "<= {}")
        return [
            (f"{name}_start", Day, _is(name, "range", since)),
            (f"{name}_end", Day, _is(name, "range", until)),
        ]
    if get_origin(kind) is Literal:
        return [(name, _set(kind), _among(name, "text"))]
    if kind in (str, EmailStr):
        return [(name, _set(Word), _among(name, "text"))]
    if are_words(kind):  # tags: all of them, or any
        every, some = (
            ("@> {}::text[]", "&& {}::text[]") if is_array else ("@> to_jsonb({}::text[])", "?| {}::text[]")
        )
        return [
            (name, _set(Word), _is(name, "other", every)),
            (f"any_{name}", _set(Word), _is(name, "other", some)),
        ]
    return []


def are_words(kind: Any) -> bool:
    """Whether it is a list of texts, whatever is asked of each."""
    return get_origin(kind) is list and _bare(get_args(kind)[0])[0] is str


def _bare(annotation: Any) -> tuple[Any, bool]:
    """The type without its constraints, and whether it may be empty."""
    empty = False
    while True:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = inner[0]
        elif origin in (Union, types.UnionType) and type(None) in inner:
            rest = [each for each in inner if each is not type(None)]
            if len(rest) != 1:
                return None, True
            annotation, empty = rest[0], True
        else:
            return annotation, empty


def query_model(
    name: str, parameters: Words, *, sortable: tuple[str, ...], fields: tuple[str, ...], searched: bool
) -> type[ListQuery]:
    """The query parameters of a list."""
    field = Literal[fields]  # type: ignore[valid-type]
    order = ", ".join(sortable)
    common: Words = {
        "sort": (
            str | None,
            Field(
                None,
                max_length=200,
                description=f"Columns, `-` for descending: {order}. Newest first unless said.",
            ),
        ),
        "fields": (_set(field) | None, Field(None, description="Only these fields of each row.")),
    }
    if searched:
        common["search"] = (
            str | None,
            Field(
                None,
                max_length=200,
                pattern=r"^[^\x00]*$",
                description="Words, or the beginnings of words, that are all in the row.",
            ),
        )
    return create_model(name, __base__=ListQuery, **common, **parameters)


class ListQuery(Paged):
    """Base of the parameters of every list of rows."""

    sort: str | None = Field(None, max_length=200)

    cursor: str | None = Field(
        None,
        max_length=2000,
        description="`meta.next_cursor` of the page before: instead of page and offset.",
    )
    count: Literal["usual", "exact", "none"] = Field(
        "usual", description="Total: exact up to 10,000 and at least that beyond; always exact; or none."
    )
    deleted: bool = Field(False, description="The deleted rows instead of the others.")
