"""People and companies compared, put together and taken apart."""

# No postponed annotations: those of the merge name the models of one resource.

from fastapi import APIRouter, Depends, Response

from serve.crm.people import duplicates, merging
from serve.crm.people.errors import (
    ChangedSince,
    ErasedSince,
    MergedAlready,
    MergeStands,
    TooMuchToMerge,
)
from serve.crm.people.mergeable import Mergeable
from serve.crm.people.schemas import DuplicateCheck, MergeAsked, MergeRead, PossibleDuplicate, UndoAsked
from serve.kernel.caller import Lacks, Needs
from serve.kernel.db import ReadDb, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import Problem, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1", tags=["people"])
merges = merging.merges.router(tags=["people"])


@router.post(
    "/duplicates/check",
    response_model=Success[list[PossibleDuplicate], Meta],
    dependencies=[Depends(Needs("contacts:read"))],
    responses=problems(*BODY),
    name="duplicates.check",
    **acts(risk="read"),
)
async def check(asked: DuplicateCheck, db: ReadDb) -> Response:
    """Which rows may be the person or company that you are about to add, the likeliest first; adds nothing.

    Each says what speaks for it. Only kinds that you may read are named. Creating a row says the same in
    `meta.possible_duplicates` and never refuses.
    """
    return plain(await duplicates.find(db, asked.kind, asked.model_dump(), besides=asked.except_id))


@merges.post(
    "/{id}/undo",
    response_model=Success[MergeRead, RowMeta],
    dependencies=[Depends(Needs("people:merge"))],
    responses=problems(
        *BODY,
        *(merging.merges.NotFound, ChangedSince, MergeStands, ErasedSince, StillRunning, KeyOfAnotherRequest),
    ),
    name="merges.undo",
    **acts(risk="risky"),
)
async def undo(id: Id, asked: UndoAsked, db: TenantDb) -> Response:
    """Take two rows apart: each value and each row that refers to them is as it was before the merge.

    What was changed since is named and nothing is done, unless `leave_changed` says to leave that and undo the rest.
    What came after the merge stays with the survivor.
    """
    return one(await merging.undo(db, id, leave_changed=asked.leave_changed))


def add_merge(router: APIRouter, resource: Mergeable, *fails: type[Problem]) -> None:
    """The call that puts two rows of the resource together; ``fails`` is what its rule may say."""
    merging.MERGEABLE[resource.entity] = resource
    entity = resource.entity

    @router.post(
        "/{id}/merge",
        response_model=Success[MergeRead, RowMeta],
        dependencies=[Depends(Needs("people:merge"))],
        responses=problems(
            *BODY,
            *(resource.NotFound, MergedAlready, TooMuchToMerge, StillRunning, KeyOfAnotherRequest, *fails),
        ),
        description=f"Make another {entity} part of this one: all that refers to it refers to this one from now on."
        f" The other one is gone; who asks for it is told where it went. `POST /api/v1/merges/{{id}}/undo` puts"
        " everything back.",
        name=f"{resource.name}.merge",
        **acts(risk="risky"),
    )
    async def merge(id: Id, asked: MergeAsked, db: TenantDb) -> Response:
        if resource.writing not in db.caller.permissions:
            raise Lacks(db.caller, resource.writing)  # type: ignore[arg-type]
        return one(await merging.merge(db, resource, id, asked))
