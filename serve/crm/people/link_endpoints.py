"""Pairs that may be one person, and the person, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Response

from serve.crm.people import links
from serve.crm.people.errors import LinkDecided, LinkOpen, NoSuchPerson
from serve.crm.people.link_schemas import LinkQuery, Matching, Person, PersonKind, PersonLink
from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.paging import page_meta
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import Id, IfMatch, one, plain
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/people", tags=["people"], route_class=RepeatableRoute)

_READER = [Depends(Needs("people:read"))]
_DECIDER = [Depends(Needs("people:merge"))]
_DECIDING = (DatabaseUnavailable, links.store.NotFound, LostUpdate, StillRunning, KeyOfAnotherRequest)


@router.get(
    "/links",
    response_model=Success[list[PersonLink], PageMeta],
    dependencies=_READER,
    responses=problems(DatabaseUnavailable),
    name="people.links",
)
async def list_links(asked: Annotated[LinkQuery, Query()], db: TenantDb) -> Response:
    """Pairs of rows that may be one person or are, the likeliest first.

    The matching proposes them every night. Only pairs whose kinds you may both read are named.
    """
    rows, total = await links.page(db, asked)
    return plain(rows, page_meta(asked.window(), total))


@router.get(
    "/links/{id}",
    response_model=Success[PersonLink, RowMeta],
    dependencies=_READER,
    responses=problems(DatabaseUnavailable, links.store.NotFound),
    name="people.link",
)
async def get_link(id: Id, db: TenantDb) -> Response:
    """One pair, with what speaks for and against it."""
    return one(await links.shown(db, await links.get(db, id)))


@router.post(
    "/links/{id}/confirm",
    response_model=Success[PersonLink, RowMeta],
    dependencies=_DECIDER,
    responses=problems(*_DECIDING, LinkDecided),
    name="people.confirm",
)
async def confirm(id: Id, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Say that both rows are one person; no later matching changes that.

    The rows stay two. Where both are of one kind, `merge` in the answer says how they become one.
    """
    return one(await links.decide(db, id, "confirmed", if_match))


@router.post(
    "/links/{id}/refuse",
    response_model=Success[PersonLink, RowMeta],
    dependencies=_DECIDER,
    responses=problems(*_DECIDING, LinkDecided),
    name="people.refuse",
)
async def refuse(id: Id, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Say that they are two people.

    The pair is not proposed again, unless a name, address, number, company or city of one of them changes.
    """
    return one(await links.decide(db, id, "refused", if_match))


@router.post(
    "/links/{id}/reopen",
    response_model=Success[PersonLink, RowMeta],
    dependencies=_DECIDER,
    responses=problems(*_DECIDING, LinkOpen),
    name="people.reopen",
)
async def reopen(id: Id, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Take a decision back: the pair is proposed again, until the next matching finds it or does not."""
    return one(await links.decide(db, id, "proposed", if_match))


@router.get(
    "/matching",
    response_model=Success[Matching | None, Meta],
    dependencies=_READER,
    responses=problems(DatabaseUnavailable),
    name="people.matching",
)
async def last_matching(db: TenantDb) -> Response:
    """When all people were compared last, and why not, where they were not; null before the first time."""
    return plain(await links.matching(db))


@router.get(
    "/{kind}/{id}",
    response_model=Success[Person, Meta],
    dependencies=_READER,
    responses=problems(DatabaseUnavailable, NoSuchPerson),
    name="people.get",
)
async def get_person(
    kind: Annotated[PersonKind, Path(description="What the row is.")], id: Id, db: TenantDb
) -> Response:
    """The person that a row is of: every row that is known to be the same one, and those that may be.

    Rows of kinds that you may not read are not named, and nothing follows from them.
    """
    return plain(await links.person(db, kind, id))
