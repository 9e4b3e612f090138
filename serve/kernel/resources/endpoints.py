"""The calls of a resource, each as thin as one written by hand.

Annotations are not postponed here: they name the models of one resource, which only exist while its routes are made.
"""

# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from serve.kernel.asking import Asking
from serve.kernel.db import DatabaseUnavailable, ReadDb, Reads, TenantDb, Transaction
from serve.kernel.envelope import Meta, Success, around
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources import bulk, exports, history, imports, stats
from serve.kernel.resources.declaration import Resource, values_of
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.quick import shorten_create, shorten_get, shorten_list
from serve.kernel.resources.schemas import Deleted, ListMeta, RowMeta
from serve.kernel.resources.store import check_version
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain, raw, reading, writing


def add_calls(router: APIRouter, resource: Resource) -> None:
    """Register the calls that the resource has."""
    for add in (_words, bulk.add_calls, stats.add_calls, exports.add_calls, imports.add_calls):
        add(router, resource)
    for add in (_rows, history.add_calls):  # words outrank ids
        add(router, resource)


def _words(router: APIRouter, resource: Resource) -> None:
    """List and create."""
    Asked, Written, Read, Part = resource.query, resource.fields, resource.read_model, resource.part_model
    Said = resource.created_meta
    many = resource.name.replace("_", " ")

    if "list" in resource.calls:

        @router.get(
            "",
            response_model=Success[list[Read | Part], ListMeta],
            dependencies=[reading(resource)],
            responses=problems(DatabaseUnavailable),
            description=f"{many.capitalize()}, filtered, sorted and in pages.",
            name=f"{resource.name}.list",
        )
        async def list_rows(asked: Annotated[Asked, Depends(Asking(Asked))], db: ReadDb) -> Response:
            listed = await resource.listing.page(db, asked)
            return raw(around(listed.data, listed.meta))

        shorten_list(router, resource)

    if "create" in resource.calls:

        @router.post(
            "",
            status_code=201,
            response_model=Success[Read, Said],
            dependencies=[writing(resource)],
            responses=problems(*BODY, Duplicate, StillRunning, KeyOfAnotherRequest),
            description=f"A new {resource.entity.replace('_', ' ')}.",
            name=f"{resource.name}.create",
        )
        async def create(written: Written, db: TenantDb, request: Request) -> Response:
            values = resource.settled(None, values_of(written, sent_only=False))
            row = await resource.insert(db, values)
            meta = {}
            if resource.beside is not None:
                reads = Reads(request.app.state.database, db.caller, within=db)
                meta = await resource.beside(reads, values, row["id"])
            return one(row, status=201, headers={"Location": f"{resource.path}/{row['id']}"}, meta=meta)

        shorten_create(router, resource)


def _rows(router: APIRouter, resource: Resource) -> None:
    """One row by its id."""
    Written, Patch, Read = resource.fields, resource.patch, resource.read_model
    entity = resource.entity.replace("_", " ")
    # Of each row: what it may fail with.
    absent = resource.NotFound

    if "get" in resource.calls:

        @router.get(
            "/{id}",
            response_model=Success[Read, RowMeta],
            dependencies=[reading(resource)],
            responses=problems(absent, DatabaseUnavailable),
            description=f"One {entity}. The ETag names its version.",
            name=f"{resource.name}.get",
        )
        async def get(id: Id, db: ReadDb) -> Response:
            row = await resource.show(db, id)
            return raw(around(row.data, {}), {"ETag": row.etag})

        shorten_get(router, resource)

    async def change(db: Transaction, id: UUID, if_match: str | None, changes: dict[str, Any]) -> Response:
        before = await resource.get(db, id, lock=True)
        check_version(if_match, before)
        return one(await resource.update(db, before, resource.settled(before, changes)))

    if "replace" in resource.calls:

        @router.put(
            "/{id}",
            response_model=Success[Read, RowMeta],
            dependencies=[writing(resource)],
            responses=problems(*BODY, absent, Duplicate, LostUpdate, *resource.changing),
            description=f"Replace the {entity}: what is not sent becomes empty. `If-Match` prevents lost updates.",
            name=f"{resource.name}.replace",
        )
        async def replace(id: Id, written: Written, db: TenantDb, if_match: IfMatch = None) -> Response:
            return await change(db, id, if_match, values_of(written, sent_only=False))

    if "patch" in resource.calls:

        @router.patch(
            "/{id}",
            response_model=Success[Read, RowMeta],
            dependencies=[writing(resource)],
            responses=problems(
                *(*BODY, absent, Duplicate, LostUpdate, StillRunning, KeyOfAnotherRequest), *resource.changing
            ),
            description=f"Change some fields of the {entity}. `If-Match` prevents lost updates.",
            name=f"{resource.name}.patch",
        )
        async def patch(id: Id, written: Patch, db: TenantDb, if_match: IfMatch = None) -> Response:
            return await change(db, id, if_match, values_of(written, sent_only=True))

    if "delete" in resource.calls:

        @router.delete(
            "/{id}",
            response_model=Success[Deleted, Meta],
            dependencies=[writing(resource)],
            responses=problems(absent, LostUpdate, DatabaseUnavailable, *resource.deleting),
            description=f"Delete the {entity}; it can be restored.",
            name=f"{resource.name}.delete",
        )
        async def delete(id: Id, db: TenantDb, if_match: IfMatch = None) -> Response:
            if if_match is not None:
                check_version(if_match, await resource.get(db, id, lock=True))
            gone = await resource.delete(db, id)
            return plain(dict(gone))

    if "restore" in resource.calls:

        @router.post(
            "/{id}/restore",
            response_model=Success[Read, RowMeta],
            dependencies=[writing(resource)],
            responses=problems(
                absent, DatabaseUnavailable, StillRunning, KeyOfAnotherRequest, *resource.changing
            ),
            description=f"Bring a deleted {entity} back.",
            name=f"{resource.name}.restore",
        )
        async def restore(id: Id, db: TenantDb) -> Response:
            return one(await resource.restore(db, id))
