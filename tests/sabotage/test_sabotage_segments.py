"""Guards of conditions, and of segments that keep them, taken away one at a time: their own tests must notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

from serve.crm.segments import endpoints
from serve.crm.segments.endpoints import segments
from serve.crm.segments.rules import RESOURCES
from serve.kernel.db import Reads
from serve.kernel.resources import Resource, conditions
from serve.kernel.resources.advanced import Conditional
from tests.sabotage.existing import Case, Guard, cases, instead
from tests.serve.crm import test_segments as there
from tests.serve.firm import Firm

rows, segment = there.rows, there.segment

KEPT = there.TestSegments()
KIEL = there.comparison("city", "eq", "Kiel")
SQL, OPERATION = conditions._sql, conditions._operation


async def _whoever_asks(db: Reads, segment_id: UUID, **paging: Any) -> tuple[Resource, Conditional]:
    found = orjson.loads((await segments.show(db, segment_id)).data)
    where = conditions.CONDITION.validate_python(found["conditions"])
    return RESOURCES[found["resource"]], Conditional(where=where, **paging)


def _not_of_nothing(kinds: Any, where: Any, bind: Any, place: str, wrong: Any) -> str:
    """As SQL has it: what is not known is not the opposite either."""
    return SQL(kinds, where, bind, place, wrong).replace(") is not true", ") = false")


def _patterns(column: str, kind: Any, op: str, value: Any, bind: Callable[[Any], str]) -> str:
    if op in ("contains", "starts_with"):
        return f"{column} ilike {bind(('%' if op == 'contains' else '') + value + '%')}"
    return OPERATION(column, kind, op, value, bind)


def _all_of_them(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def refused(where: dict[str, Any], field: str) -> dict[str, Any]:
    """What the test of refusals is given."""
    return {"where": where, "field": field}


DEEP = {"not": {"not": {"not": {"not": {"not": KIEL}}}}}
MANY = {"any": [{"any": [KIEL] * 26}] * 2}
LONG = there.comparison("city", "in", ["Kiel"] * 201)

GUARDS = {
    "whoever reads segments reads all": Guard(
        instead(endpoints, "_asked", _whoever_asks),
        KEPT.test_who_may_not_read_the_rows_does_not_see_who_is_in_it,
    ),
    "anything may be asked": Guard(
        instead(segments, "rule", None), KEPT.test_what_its_resource_cannot_be_asked_is_refused
    ),
    "what is not known is on neither side": Guard(
        instead(conditions, "_sql", _not_of_nothing),
        there.test_whatever_is_not_in_it_is_in_its_opposite,
        {"field": "city", "op": "eq", "value": "Bremen"},
    ),
    "words are patterns": Guard(
        instead(conditions, "_operation", _patterns), there.test_signs_of_patterns_are_letters
    ),
    "there is no depth": Guard(
        instead(conditions, "DEEPEST", 10**6),
        there.test_what_cannot_be_asked_is_named,
        refused(DEEP, "where"),
    ),
    "there is no end": Guard(
        instead(conditions, "MOST_COMPARISONS", 10**6),
        there.test_what_cannot_be_asked_is_named,
        refused(MANY, "where"),
    ),
    "lists are as long as one likes": Guard(
        instead(conditions, "_listed", _all_of_them),
        there.test_what_cannot_be_asked_is_named,
        refused(LONG, "where.value"),
    ),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)
