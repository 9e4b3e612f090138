"""Many rows in one call: each row stands for itself, and what is wrong with one is said of that one.

``POST /x/bulk`` creates or upserts, ``PATCH`` changes, ``DELETE`` deletes. All good rows are one transaction; with
``dry_run`` it is rolled back in the end, so the answer is what would happen. 200 when every row succeeded, 207 when
some failed, 422 when all did; 202 and a task for more than 500 rows, or when the client asks for one.
"""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, Field, GetJsonSchemaHandler, create_model

from serve.kernel.db import TenantDb, Transaction
from serve.kernel.envelope import Input, Meta, Success, dumps
from serve.kernel.errors import Invalid, problems
from serve.kernel.idempotency import DRY_RUN, KeyOfAnotherRequest, StillRunning, asks_dry_run
from serve.kernel.inside import inside_of
from serve.kernel.resources.batches import Outcome, Result, change, one_by_one, parsed, put_many
from serve.kernel.resources.declaration import Resource, values_of
from serve.kernel.resources.schemas import BulkResult
from serve.kernel.resources.words import BODY, plain, writing
from serve.kernel.tasks import invoke_later
from serve.kernel.tasks.answers import LATER, Prefer, started, wants_task

MOST_ROWS = 1000
MOST_AT_ONCE = 500


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
            write = partial(put_many, resource, db, body.rows, asked.mode)
            return await answered(db, write, dry_run=asked.dry_run)

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
                return await change(
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


async def run(
    db: Transaction, rows: Sequence[Any], each: Callable[[Any], Awaitable[Outcome]], *, dry_run: bool
) -> Response:
    """Every row in an attempt of its own."""
    return await answered(db, partial(one_by_one, db, rows, each), dry_run=dry_run)


async def answered(
    db: Transaction, write: Callable[[], Awaitable[list[Result]]], *, dry_run: bool
) -> Response:
    """What ``write`` made of each row; undone where it was a dry run."""
    results: list[dict[str, Any]] = []
    try:
        async with db.attempt():
            results += [{"index": index, **result} for index, result in enumerate(await write())]
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
