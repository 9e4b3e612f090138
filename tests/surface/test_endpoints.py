"""The endpoint list of the four products beside what is served; what is missing stands in a list that only shrinks."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.surface.operations import OPERATIONS, Operation

HERE = Path(__file__).parent
Shape = tuple[str, tuple[str, ...]]
"""A method, and a path in which a parameter is ``{}``."""


def shape(method: str, path: str) -> Shape:
    """``GET /api/x/{id}/`` is ``GET /api/v1/x/{}``."""
    if path.startswith("/api/") and not path.startswith("/api/v1/"):
        path = "/api/v1/" + path.removeprefix("/api/")
    parts = path.strip("/").split("/")
    return method, tuple("{}" if part.startswith(("{", ":", "<")) else part for part in parts)


def rows(file: str) -> list[dict[str, str]]:
    with (HERE / file).open(newline="") as lines:
        return list(csv.DictReader(lines))


def is_served(wanted: Shape) -> bool:
    return any(_serves(operation, wanted) for operation in OPERATIONS)


def _serves(operation: Operation, wanted: Shape) -> bool:
    """The same shape; where ours has a parameter that is one of several words, each of them counts as written out."""
    method, parts = shape(operation.method, operation.path)
    if (method, len(parts)) != (wanted[0], len(wanted[1])):
        return False
    names = [part[1:-1] for part in operation.path.strip("/").split("/")]
    words = {name: schema.get("enum", ()) for name, schema in operation.parameters("path").items()}
    return all(
        ours == theirs or (ours == "{}" and theirs in words.get(name, ()))
        for ours, theirs, name in zip(parts, wanted[1], names, strict=True)
    )


def wanted() -> Iterator[tuple[str, Shape]]:
    """Every HTTP row of the list, as it is written and in its shape; the events on the socket are no routes."""
    for row in rows("endpoints.csv"):
        if row["method"] in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            yield f"{row['method']} {row['path']}", shape(row["method"], row["path"])


WANTED = dict(wanted())
NOT_SERVED = [f"{row['method']} {row['path']}" for row in rows("not_served.csv")]


def test_what_the_products_call_is_served_or_known_to_be_missing():
    forgotten = [
        written for written, each in WANTED.items() if not is_served(each) and written not in NOT_SERVED
    ]
    assert forgotten == [], "neither served nor in not_served.csv"


def test_the_list_of_what_is_missing_only_shrinks():
    assert len(NOT_SERVED) == len(set(NOT_SERVED))
    assert sorted(set(NOT_SERVED) - WANTED.keys()) == [], "not in endpoints.csv"
    served = [written for written in NOT_SERVED if is_served(WANTED[written])]
    assert served == [], "served now: take them out of not_served.csv"


def test_other_methods_are_events_of_the_socket():
    others = {row["method"] for row in rows("endpoints.csv")} - {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert others == {"WS"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/api/contacts/{id}", "/api/v1/contacts/{contactId}/"),
        ("/api/analytics/", "/api/v1/analytics"),
        ("/api/v1/api/versioning/management", "/api/v1/api/versioning/management"),
    ],
)
def test_one_namespace(one, other):
    assert shape("GET", one) == shape("GET", other)
