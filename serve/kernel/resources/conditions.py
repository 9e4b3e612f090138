"""Conditions that a list of parameters cannot say: all, any and not of comparisons, one language for all resources.

``{"any": [{"field": "score", "op": "gte", "value": 0.5}, {"not": {"field": "tags", "op": "has", "value": ["old"]}}]}``

A comparison with an empty value is false, and ``not`` of it true: whatever is not among the rows of a condition is
among those of its opposite.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias, get_origin
from uuid import UUID

from pydantic import (
    AliasChoices,
    BaseModel,
    Discriminator,
    EmailStr,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
)

from serve.kernel.envelope import Day, Input, Moment
from serve.kernel.errors import Invalid
from serve.kernel.resources.filters import Word, _bare, are_words

DEEPEST, MOST_COMPARISONS = 5, 50
MOST_VALUES = 200

# fmt: off
Operator = Literal[
    "eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "between",
    "contains", "starts_with", "has", "has_any", "within_days", "is_empty",
]
# fmt: on


class Comparison(Input):
    """One field and a value."""

    field: str = Field(min_length=1, max_length=63, pattern=r"^[^\x00]*$", examples=["score"])
    op: Operator = Field(
        "eq",
        description="`in`, `not_in`, `has` (all of some words) and `has_any` take a list, `between` two values, both"
        " included, `within_days` a number of days until now, `is_empty` true or false.",
        examples=["gte"],
    )
    value: Any = Field(description="Of the field's kind.", examples=[0.5])


class All(Input):
    """Rows for which each of them holds."""

    all: list[Condition] = Field(min_length=1, max_length=MOST_COMPARISONS)


class AnyOf(Input):
    """Rows for which one of them holds, or more."""

    any: list[Condition] = Field(min_length=1, max_length=MOST_COMPARISONS)


class Not(Input):
    """Rows for which it does not hold."""

    not_: Condition = Field(validation_alias=AliasChoices("not", "not_"), serialization_alias="not")


def _which(value: Any) -> str:
    for name in ("all", "any", "not"):
        if isinstance(value, dict) and (name in value or (name == "not" and "not_" in value)):
            return name
    return {"All": "all", "AnyOf": "any", "Not": "not"}.get(type(value).__name__, "field")


Condition: TypeAlias = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Comparison, Tag("field")],
    Discriminator(_which),
]
for _model in (All, AnyOf, Not):
    _model.model_rebuild()

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)


def compiled(
    kinds: Mapping[str, Kind], where: Any, bind: Callable[[Any], str], *, place: str = "where"
) -> str:
    """The SQL of a condition, with values bound (``t`` is the table). Raises Invalid naming the place in it."""
    wrong: list[tuple[str, str]] = []
    if _depth(where) > DEEPEST:
        wrong.append((place, f"is more than {DEEPEST} deep"))
    elif _count(where) > MOST_COMPARISONS:
        wrong.append((place, f"has more than {MOST_COMPARISONS} comparisons"))
    sql = "" if wrong else _sql(kinds, where, bind, place, wrong)
    if wrong:
        raise Invalid(details=wrong)
    return sql


def _depth(where: Any) -> int:
    return 1 + max((_depth(each) for each in _parts(where)), default=0)


def _count(where: Any) -> int:
    return isinstance(where, Comparison) + sum(_count(each) for each in _parts(where))


def _parts(where: Any) -> Collection[Any]:
    match where:
        case All():
            return where.all
        case AnyOf():
            return where.any
        case Not():
            return [where.not_]
    return []


def _sql(
    kinds: Mapping[str, Kind],
    where: Any,
    bind: Callable[[Any], str],
    place: str,
    wrong: list[tuple[str, str]],
) -> str:
    match where:
        case Not():
            return f"({_sql(kinds, where.not_, bind, f'{place}.not', wrong)}) is not true"
        case All() | AnyOf():
            word = "all" if isinstance(where, All) else "any"
            parts = [
                _sql(kinds, each, bind, f"{place}.{word}[{number}]", wrong)
                for number, each in enumerate(_parts(where))
            ]
            return f"({(' and ' if word == 'all' else ' or ').join(parts)})"
    return _compared(kinds, where, bind, place, wrong)


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be asked of a field."""

    cast: str
    adapter: TypeAdapter[Any]
    operators: frozenset[str]


_EQUAL = frozenset({"eq", "ne", "in", "not_in", "is_empty"})
_ORDERED = _EQUAL | {"lt", "lte", "gt", "gte", "between"}
_LARGE = Annotated[int, Field(ge=-(2**63), le=2**63 - 1, strict=True)]
_NUMBER = Annotated[float, Field(allow_inf_nan=False)]
_DAYS: TypeAdapter[Any] = TypeAdapter(Annotated[int, Field(ge=0, le=36_500, strict=True)])
_BOOL: TypeAdapter[Any] = TypeAdapter(Annotated[bool, Field(strict=True)])
_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def kinds_of(read: type[BaseModel], columns: Iterable[str], arrays: Collection[str]) -> dict[str, Kind]:
    """What can be asked of which field; ``arrays`` are the lists of words that are no JSON."""
    found = {name: _kind(read.model_fields[name].annotation, is_array=name in arrays) for name in columns}
    return {name: kind for name, kind in found.items() if kind is not None}


def _kind(annotation: Any, *, is_array: bool) -> Kind | None:
    bare, _ = _bare(annotation)
    if bare is bool:
        return Kind("boolean", _BOOL, _EQUAL)
    if bare is UUID:
        return Kind("uuid", TypeAdapter(UUID), _EQUAL)
    if bare is int:
        return Kind("bigint", TypeAdapter(_LARGE), _ORDERED)
    if bare is float:
        return Kind("double precision", TypeAdapter(_NUMBER), _ORDERED)
    if bare is datetime:
        return Kind("timestamptz", TypeAdapter(Moment), _ORDERED | {"within_days"})
    if bare is date:
        return Kind("date", TypeAdapter(Day), _ORDERED | {"within_days"})
    if get_origin(bare) is Literal:
        return Kind("text", TypeAdapter(bare), _EQUAL)
    if bare in (str, EmailStr):
        return Kind("text", TypeAdapter(Word), _EQUAL | {"contains", "starts_with"})
    if are_words(bare):
        operators = frozenset({"has", "has_any", "is_empty"})
        return Kind("text[]" if is_array else "jsonb", TypeAdapter(Word), operators)
    return None


def _compared(
    kinds: Mapping[str, Kind],
    asked: Comparison,
    bind: Callable[[Any], str],
    place: str,
    wrong: list[tuple[str, str]],
) -> str:
    kind = kinds.get(asked.field)
    if kind is None:
        wrong.append((f"{place}.field", f"is unknown; there are: {', '.join(kinds)}"))
        return ""
    if asked.op not in kind.operators:
        known = ", ".join(sorted(kind.operators))
        wrong.append((f"{place}.op", f"does not go with {asked.field}, with which go: {known}"))
        return ""
    column = f"t.{asked.field}"
    try:
        return _operation(column, kind, asked.op, asked.value, bind)
    except ValidationError as error:
        wrong.append((f"{place}.value", _reason(error)))
    except ValueError as error:
        wrong.append((f"{place}.value", str(error)))
    return ""


def _reason(error: ValidationError) -> str:
    said: str = error.errors(include_url=False)[0]["msg"]
    return said[:1].lower() + said[1:]


def _operation(column: str, kind: Kind, op: str, value: Any, bind: Callable[[Any], str]) -> str:
    """Raises ValueError."""
    if op == "is_empty":
        empty = {"text[]": f"cardinality({column}) = 0", "jsonb": f"{column} = '[]'"}.get(kind.cast)
        return f"({empty or f'{column} is null'}) is {'true' if _BOOL.validate_python(value) else 'not true'}"
    if op == "within_days":
        days = bind(_DAYS.validate_python(value))
        if kind.cast == "date":
            return f"{column} between current_date - {days}::int and current_date"
        return f"{column} between now() - make_interval(days => {days}::int) and now()"

    def one(each: Any) -> str:
        return f"{bind(_bound(kind, each))}::{kind.cast}"

    def several() -> str:
        return f"{bind([_bound(kind, each) for each in _listed(value)])}::{kind.cast.removesuffix('[]')}[]"

    match op:
        case "eq":
            return f"{column} = {one(value)}"
        case "ne":
            return f"{column} is distinct from {one(value)}"
        case "in":
            return f"{column} = any({several()})"
        case "not_in":
            return f"({column} = any({several()})) is not true"
        case "between":
            if not isinstance(value, list) or len(value) != 2:
                raise ValueError("must be a list of two values")
            low, high = value
            return f"{column} between {one(low)} and {one(high)}"
        case "contains" | "starts_with":
            text = str(kind.adapter.validate_python(value))
            plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            return f"{column} ilike {bind(('%' if op == 'contains' else '') + plain + '%')}"
        case "has" | "has_any":
            words = bind([_bound(kind, each) for each in _listed(value)])
            if kind.cast == "jsonb":
                return (
                    f"{column} @> to_jsonb({words}::text[])"
                    if op == "has"
                    else f"{column} ?| {words}::text[]"
                )
            return f"{column} {'@>' if op == 'has' else '&&'} {words}::text[]"
    return f"{column} {_SIGNS[op]} {one(value)}"


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
        raise ValueError(f"must be a list of 1 to {MOST_VALUES} values")
    return value


def _bound(kind: Kind, value: Any) -> Any:
    found = kind.adapter.validate_python(value)
    return str(found) if isinstance(found, UUID) else found
