"""Rows that many calls and files bring, each standing for itself: what is wrong with one is said of that one.

What can be said of a row without the database is said first. The others go to the server fifty in a statement, but for
those that it will hardly take: they stand alone from the start. Where it refuses something of fifty they are tried by
halves, until those that it refuses stand alone and all others are in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, Problem
from serve.kernel.idempotency import StillRunning
from serve.kernel.resources.declaration import Resource, values_of
from serve.kernel.resources.errors import meaning
from serve.kernel.resources.store import Row

AT_ONCE = 50
"""Little is done twice when one of them is refused, and waiting for the server is spread over many (measured)."""

Outcome = tuple[str, Any]
"""(what happened, id)"""
Result = dict[str, Any]
"""What became of one row: ``status``, ``id``, ``error``."""
Numbered = tuple[int, Any]
"""(place of a row among those given, the row as the model read it)"""


@dataclass(frozen=True, slots=True)
class Readings:
    """Rows as the model read them, and what could be said of the others without the database."""

    mode: str
    good: list[Numbered]
    refused: dict[int, Result]


async def put_many(resource: Resource, db: Transaction, given: Sequence[Any], mode: str) -> list[Result]:
    """Create the rows, or change those with their ``external_id``; what became of each, in their order."""
    return await write_many(resource, db, read_many(resource, given, mode))


def read_many(resource: Resource, given: Sequence[Any], mode: str) -> Readings:
    """``given`` are values as a client sends them; a Problem stands for a row that could not even be read."""
    model = resource.patch if mode == "update" else resource.fields
    readings = Readings(mode, [], {})
    for index, values in enumerate(given):
        try:
            readings.good.append((index, _read(model, values, mode)))
        except Problem as problem:
            readings.refused[index] = refused(problem)
    return readings


async def write_many(resource: Resource, db: Transaction, rows: Readings) -> list[Result]:
    """What became of each, in their order."""
    results = dict(rows.refused)
    most = 1 if resource.does_more else AT_ONCE
    doubtful = await _doubtful(resource, db, rows) if len(rows.good) > 1 < most else frozenset()
    for part in _parts(rows.good, most, rows.mode, doubtful):
        results |= await _tried(resource, db, part, rows.mode)
    return [results[index] for index in range(len(results))]


async def one_by_one(
    db: Transaction, rows: Sequence[Any], each: Callable[[Any], Awaitable[Outcome]]
) -> list[Result]:
    """What ``each`` makes of every row, in an attempt of its own."""
    return [await _outcome(db, row, each) for row in rows]


async def put(resource: Resource, db: Transaction, written: Any, mode: str) -> Outcome:
    """Create a row, or change the one with its ``external_id``. Raises Problem."""
    before = None if mode == "create" else await resource.find(db, written.external_id, lock=True)
    if before is None:
        if mode == "update":
            raise resource.NotFound
        values = values_of(written, sent_only=False)
        return "created", (await resource.insert(db, resource.settled(None, values)))["id"]
    return await change(resource, db, before, values_of(written, sent_only=True))


async def change(resource: Resource, db: Transaction, before: Row, changes: dict[str, Any]) -> Outcome:
    """Raises Problem."""
    after = await resource.update(db, before, resource.settled(before, changes))
    return ("unchanged" if after is before else "updated"), after["id"]


def refused(problem: Problem) -> Result:
    details = [{"field": field, "message": message} for field, message in problem.details]
    said = {"code": problem.code, "message": problem.detail, "details": details}
    return {"status": "failed", "id": None, "error": said}


def parsed(model: type[BaseModel], given: Any) -> Any:
    """The row as the model reads it. Raises Invalid naming its fields."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        details = [
            (".".join(map(str, item["loc"])) or "row", item["msg"].removeprefix("Value error, "))
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise Invalid(details=details) from error


def _read(model: type[BaseModel], values: Any, mode: str) -> Any:
    if isinstance(values, Problem):
        raise values
    written = parsed(model, values)
    if mode != "create" and written.external_id is None:
        raise Invalid(details=[("external_id", f"is what {mode} goes by")])
    return written


async def _doubtful(resource: Resource, db: Transaction, rows: Readings) -> frozenset[int]:
    """Places of the rows that name what is not there, or would be what is. Each that is refused among fifty costs those
    fifty again; and whether it is refused is still for the server to say."""
    doubtful: set[int] = set()
    for column, target in resource.references:
        named = {index: str(value) for index, row in rows.good if (value := getattr(row, column, None))}
        there = await resource.known(db, target, "id", {*named.values()}) if named else set()
        doubtful |= {index for index, value in named.items() if value not in there}
    if rows.mode == "create":
        named = {index: row.external_id for index, row in rows.good if row.external_id is not None}
        taken = await resource.known(db, resource.name, "external_id", {*named.values()}) if named else set()
        for index, value in named.items():
            if value in taken:
                doubtful.add(index)
            taken.add(value)
    return frozenset(doubtful)


def _parts(
    rows: Sequence[Numbered], most: int, mode: str, doubtful: Container[int]
) -> Iterator[list[Numbered]]:
    """Rows that can be looked up together: none of them names what another one of its part makes or changes."""
    part: list[Numbered] = []
    named: set[str] = set()
    for index, written in rows:
        is_there = mode != "create" and written.external_id in named
        if part and (is_there or len(part) == most or index in doubtful):
            yield part
            part, named = [], set()
        if index in doubtful:
            yield [(index, written)]
            continue
        part.append((index, written))
        if mode != "create":
            named.add(written.external_id)
    if part:
        yield part


async def _tried(
    resource: Resource, db: Transaction, rows: Sequence[Numbered], mode: str
) -> dict[int, Result]:
    try:
        async with db.attempt():
            if resource.does_more:
                [(index, written)] = rows
                return {index: _said(*await put(resource, db, written, mode))}
            return await _written(resource, db, rows, mode)
    except Exception as error:
        problem = _meant(error)
        if len(rows) == 1:
            return {rows[0][0]: refused(problem)}
    # A row that somebody else holds costs the whole wait each time that it is among those tried.
    size = 1 if isinstance(problem, StillRunning) else -(-len(rows) // 2)
    results: dict[int, Result] = {}
    for start in range(0, len(rows), size):
        results |= await _tried(resource, db, rows[start : start + size], mode)
    return results


async def _written(
    resource: Resource, db: Transaction, rows: Sequence[Numbered], mode: str
) -> dict[int, Result]:
    """Raises whatever the database refuses of any of them."""
    there: dict[str, Row] = {}
    if mode != "create":
        there = await resource.find_many(db, [written.external_id for _, written in rows])
    results: dict[int, Result] = {}
    new: list[tuple[int, dict[str, Any]]] = []
    changed: list[tuple[int, Row, dict[str, Any]]] = []
    for index, written in rows:
        before = there.get(written.external_id) if mode != "create" else None
        try:
            if before is not None:
                values = resource.settled(before, values_of(written, sent_only=True))
                if differing := resource.differing(before, values):
                    if before.is_deleted:
                        raise resource.NotFound
                    changed.append((index, before, differing))
                else:
                    results[index] = _said("unchanged", before["id"])
            elif mode == "update":
                raise resource.NotFound
            else:
                new.append((index, resource.settled(None, values_of(written, sent_only=False))))
        except Problem as problem:
            results[index] = refused(problem)
    await resource.update_many(db, [(before, values) for _, before, values in changed])
    results |= {index: _said("updated", before["id"]) for index, before, _ in changed}
    ids = await resource.insert_many(db, [values for _, values in new])
    return results | {index: _said("created", row_id) for (index, _), row_id in zip(new, ids, strict=True)}


def _said(status: str, row_id: UUID | str) -> Result:
    return {"status": status, "id": row_id, "error": None}


async def _outcome(db: Transaction, row: Any, each: Callable[[Any], Awaitable[Outcome]]) -> Result:
    try:
        async with db.attempt():
            return _said(*await each(row))
    except Exception as error:
        return refused(_meant(error))


def _meant(error: Exception) -> Problem:
    """Raises what says nothing about a row."""
    problem = error if isinstance(error, Problem) else meaning(error)
    if problem is None:
        raise error
    return problem
