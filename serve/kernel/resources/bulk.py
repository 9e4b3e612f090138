"""Many rows in one call: each row stands for itself, and what is wrong with one is said of that one.

``POST /x/bulk`` creates or upserts, ``PATCH`` changes, ``DELETE`` deletes. All good rows are one transaction; with
``dry_run`` it is rolled back in the end, so the answer is what would happen. 200 when every row succeeded, 207 when
some failed, 422 when all did; 202 and a task for more than 500 rows, or when the client asks for one.
"""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, Field, GetJsonSchemaHandler, ValidationError, create_model

from serve.kernel.db import TenantDb, Transaction
from serve.kernel.envelope import Input, Meta, Success, dumps
from serve.kernel.errors import Invalid, Problem, problems
from serve.kernel.idempotency import DRY_RUN, KeyOfAnotherRequest, StillRunning, asks_dry_run
from serve.kernel.inside import inside_of
from serve.kernel.resources.declaration import Resource, values_of
from serve.kernel.resources.errors import meaning
from serve.kernel.resources.schemas import BulkResult
from serve.kernel.resources.words import BODY, plain, writing
from serve.kernel.tasks import invoke_later
from serve.kernel.tasks.answers import LATER, Prefer, started, wants_task

MOST_ROWS = 1000
MOST_AT_ONCE = 500
Outcome = tuple[str, Any]
"""(what happened, id)"""


class _RolledBack(Exception):
    """The end of a dry run."""


class BulkQuery(BaseModel):
    dry_run: bool = Field(False, description="Do everything, say what would happen, and undo it.")


class BulkCreateQuery(BulkQuery):
    mode: Literal["create", "upsert", "update"] = Field(
        "create",
        description="`upsert` changes the row with that `external_id` or creates it; `update` only changes.",
    )


class BulkIds(Input):
    ids: list[UUID] = Field(min_length=1, max_length=MOST_ROWS)


def add_calls(router: APIRouter, resource: Resource) -> None:
    entity = resource.entity.title().replace("_", "")
    many = resource.name.replace("_", " ")
    common: dict[str, Any] = {
        "response_model": Success[BulkResult, Meta],
        "dependencies": [writing(resource)],
        "responses": {
            207: {"model": Success[BulkResult, Meta], "description": "Some rows failed."},
            **LATER,
            **problems(*BODY, StillRunning, KeyOfAnotherRequest),
        },
    }

    if "bulk_create" in resource.calls:
        # Rows are checked one by one, so the body only promises objects; OpenAPI shows what each should be.
        Rows = _rows_of(resource.fields, f"{entity}Rows")

        @router.post(
            "/bulk",
            **common,
            description=f"Create or upsert up to {MOST_ROWS:,} {many}; each fails for itself.",
            name=f"{resource.name}.bulk_create",
        )
        async def bulk_create(
            asked: Annotated[BulkCreateQuery, Query()],
            body: Annotated[Rows, Body()],
            request: Request,
            db: TenantDb,
            prefer: Prefer = None,
        ) -> Response:
            if is_long(request, len(body.rows), prefer):
                return await as_task(db, f"{resource.name}.bulk_create", asked, {"rows": body.rows})
            model = resource.patch if asked.mode == "update" else resource.fields

            async def each(given: Any) -> Outcome:
                return await put(resource, db, parsed(model, given), asked.mode)

            return await run(db, body.rows, each, dry_run=asked.dry_run)

    if "bulk_update" in resource.calls:
        Changes = _rows_of(_with_id(resource.patch, f"{entity}Change"), f"{entity}Changes")

        @router.patch(
            "/bulk",
            **common,
            description=f"Change some fields of up to {MOST_ROWS:,} {many}, each named by its id.",
            name=f"{resource.name}.bulk_update",
        )
        async def bulk_update(
            asked: Annotated[BulkQuery, Query()],
            body: Annotated[Changes, Body()],
            request: Request,
            db: TenantDb,
            prefer: Prefer = None,
        ) -> Response:
            if is_long(request, len(body.rows), prefer):
                return await as_task(db, f"{resource.name}.bulk_update", asked, {"rows": body.rows})

            async def each(given: Any) -> Outcome:
                changes = {name: value for name, value in given.items() if name != "id"}
                row_id = parsed(_Named, {"id": given.get("id")}).id
                before = await resource.get(db, row_id, lock=True)
                return await _change(
                    resource, db, before, values_of(parsed(resource.patch, changes), sent_only=True)
                )

            return await run(db, body.rows, each, dry_run=asked.dry_run)

    if "bulk_delete" in resource.calls:

        @router.delete(
            "/bulk",
            **common,
            description=f"Delete up to {MOST_ROWS:,} {many}; they can be restored.",
            name=f"{resource.name}.bulk_delete",
        )
        async def bulk_delete(
            asked: Annotated[BulkQuery, Query()],
            body: BulkIds,
            request: Request,
            db: TenantDb,
            prefer: Prefer = None,
        ) -> Response:
            if is_long(request, len(body.ids), prefer):
                return await as_task(db, f"{resource.name}.bulk_delete", asked, {"ids": body.ids})

            async def each(row_id: UUID) -> Outcome:
                return "deleted", (await resource.delete(db, row_id))["id"]

            return await run(db, body.ids, each, dry_run=asked.dry_run)


def is_long(request: Request, count: int, prefer: str | None) -> bool:
    """Whether it is to be a task: it was asked for, or it would take longer than a second or so (measured).

    What a task or another action asks for is done at once, and so is what is to be undone.
    """
    if inside_of(request.scope) is not None or asks_dry_run(request.headers.get(DRY_RUN)):
        return False
    return wants_task(prefer) or count > MOST_AT_ONCE


async def as_task(db: Transaction, operation_id: str, asked: BaseModel, body: dict[str, Any]) -> Response:
    """The same operation, later."""
    params = {**asked.model_dump(), **body}
    task = await invoke_later(db, operation_id, orjson.loads(dumps(params)))
    assert task is not None
    return started(task)


async def put(resource: Resource, db: Transaction, written: Any, mode: str) -> Outcome:
    """Create a row, or change the one with its ``external_id``. Raises Problem."""
    if mode == "create":
        values = values_of(written, sent_only=False)
        return "created", (await resource.insert(db, resource.settled(None, values)))["id"]
    if written.external_id is None:
        raise Invalid(details=[("external_id", f"is what {mode} goes by")])
    before = await resource.find(db, written.external_id, lock=True)
    if before is None:
        if mode == "update":
            raise resource.NotFound
        return await put(resource, db, written, "create")
    return await _change(resource, db, before, values_of(written, sent_only=True))


async def _change(resource: Resource, db: Transaction, before: Any, changes: dict[str, Any]) -> Outcome:
    after = await resource.update(db, before, resource.settled(before, changes))
    return ("unchanged" if after is before else "updated"), after["id"]


async def run(
    db: Transaction, rows: Sequence[Any], each: Callable[[Any], Awaitable[Outcome]], *, dry_run: bool
) -> Response:
    """Every row in an attempt of its own."""
    results: list[dict[str, Any]] = []
    try:
        async with db.attempt():
            for index, row in enumerate(rows):
                results.append({"index": index, **await outcome(db, row, each)})
            if dry_run:
                raise _RolledBack
    except _RolledBack:
        pass
    failed = sum(result["status"] == "failed" for result in results)
    data = {"dry_run": dry_run, "succeeded": len(results) - failed, "failed": failed, "results": results}
    if failed == len(results):
        details = [
            (f"rows[{result['index']}].{detail['field']}", detail["message"])
            for result in results
            for detail in result["error"]["details"] or [{"field": "", "message": result["error"]["message"]}]
        ]
        raise Invalid(
            "Every row failed.", details=[(field.rstrip("."), said) for field, said in details[:100]]
        )
    return plain(data, status=207 if failed else 200)


async def outcome(db: Transaction, row: Any, each: Callable[[Any], Awaitable[Outcome]]) -> dict[str, Any]:
    """What became of one row."""
    try:
        async with db.attempt():
            status, row_id = await each(row)
        return {"status": status, "id": row_id, "error": None}
    except Exception as error:
        problem = error if isinstance(error, Problem) else meaning(error)
        if problem is None:
            raise
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


class _Named(BaseModel):
    id: UUID


def _rows_of(row: type[BaseModel], name: str) -> type[BaseModel]:
    """A body with ``rows``; what each should be is in OpenAPI, and checked row by row."""
    rows = list[Annotated[dict[str, Any], ShownAs(row)]]
    return create_model(name, __base__=Input, rows=(rows, Field(min_length=1, max_length=MOST_ROWS)))


@dataclass(frozen=True)
class ShownAs:
    """In OpenAPI it is this model."""

    model: type[BaseModel]

    def __get_pydantic_json_schema__(self, schema: Any, shown: GetJsonSchemaHandler) -> dict[str, Any]:
        return shown(self.model.__pydantic_core_schema__)


def _with_id(patch: type[Input], name: str) -> type[Input]:
    return create_model(name, __base__=patch, id=(UUID, ...))
