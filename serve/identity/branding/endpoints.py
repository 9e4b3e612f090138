"""How a client looks: set, looked at beforehand, published, taken back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request, Response

from serve.identity.branding import preview, service
from serve.identity.branding.clients import Client, client
from serve.identity.branding.errors import (
    ClientNotFound,
    ContrastTooLow,
    FeatureRefused,
    NothingPublished,
    PictureRefused,
    ScriptRefused,
    StyleRefused,
    VersionNotFound,
)
from serve.identity.branding.schemas import (
    ClientQuery,
    DraftInput,
    Look,
    LookInput,
    LookMeta,
    LookRead,
    NoteInput,
    VersionRead,
    VersionSummary,
)
from serve.identity.branding.theme import PATH
from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.words import BODY, IfMatch, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(prefix=f"{PATH}/customization", tags=["white label"], route_class=RepeatableRoute)
looking = area_router(prefix=f"{PATH}/customization", tags=["white label"])
"""What changes nothing, though it is asked with POST."""

ANSWER = Success[LookRead, LookMeta]
WRITING = [Depends(Needs("branding:write"))]
REFUSALS = (ContrastTooLow, StyleRefused, ScriptRefused, PictureRefused, FeatureRefused)
REPEATED = (StillRunning, KeyOfAnotherRequest)
Asked = Annotated[ClientQuery, Query()]
Shown = Annotated[Literal["page", "mail", "pdf"], Query(alias="as", description="What is shown in it.")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Of the version.")]


class VersionsQuery(ClientQuery, Paged):
    """A page of a client's versions."""


@router.get(
    "",
    response_model=ANSWER,
    dependencies=[Depends(Needs("self:read"))],
    responses=problems(ClientNotFound, DatabaseUnavailable),
)
async def customization(asked: Asked, db: TenantDb) -> Response:
    """How the client looks now, and which features it has.

    Where nothing is published, that is how the product itself looks.
    """
    async with client(db, asked.client_id) as chosen:
        return await _shown(chosen)


@router.post(
    "",
    response_model=ANSWER,
    dependencies=WRITING,
    responses=problems(*BODY, ClientNotFound, *REFUSALS, LostUpdate, *REPEATED),
    **acts(risk="risky"),
)
async def customize(body: LookInput, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Set a client's look and feature set: a new version, shown at once unless `publish` is false.

    It takes the place of all that was before. Scripts are refused wherever they stand; style rules are held against a
    list; a colour on which text could not be read is refused with the pair and its contrast.
    """
    async with client(db, body.client_id) as chosen:
        await service.make(chosen.db, _look(body), note=body.note, publish=body.publish, if_match=if_match)
        return await _shown(chosen)


@router.delete(
    "",
    response_model=ANSWER,
    dependencies=WRITING,
    responses=problems(ClientNotFound, NothingPublished, LostUpdate, DatabaseUnavailable),
    **acts(risk="risky"),
)
async def withdraw_customization(asked: Asked, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Let the client look like the product itself again, without features; its versions stay."""
    async with client(db, asked.client_id) as chosen:
        await service.withdraw(chosen.db, if_match=if_match)
        return await _shown(chosen)


@router.get(
    "/versions",
    response_model=Success[list[VersionSummary], PageMeta],
    dependencies=WRITING,
    responses=problems(ClientNotFound, DatabaseUnavailable),
)
async def versions(asked: Annotated[VersionsQuery, Query()], db: TenantDb) -> Response:
    """All versions of the client's look, the newest first; drafts too."""
    window = asked.window()
    async with client(db, asked.client_id) as chosen:
        rows, total = await service.versions(chosen.db, window)
    return plain([service.summary(row) for row in rows], page_meta(window, total))


@router.get(
    "/versions/{number}",
    response_model=Success[VersionRead, LookMeta],
    dependencies=WRITING,
    responses=problems(ClientNotFound, VersionNotFound, DatabaseUnavailable),
)
async def version(number: Number, asked: Asked, db: TenantDb) -> Response:
    """One version, with all that it says."""
    async with client(db, asked.client_id) as chosen:
        return plain(service.whole(await service.version(chosen.db, number)), chosen.meta())


@router.post(
    "/versions/{number}/publish",
    response_model=ANSWER,
    dependencies=WRITING,
    responses=problems(*BODY, ClientNotFound, VersionNotFound, *REFUSALS, LostUpdate, *REPEATED),
    **acts(risk="risky"),
)
async def publish_version(number: Number, asked: Asked, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Show this version from now on, with its features.

    One that is shown already stays so. It is checked again: its pictures may be gone.
    """
    async with client(db, asked.client_id) as chosen:
        await service.publish(chosen.db, number, if_match=if_match)
        return await _shown(chosen)


@router.post(
    "/versions/{number}/rollback",
    response_model=ANSWER,
    dependencies=WRITING,
    responses=problems(*BODY, ClientNotFound, VersionNotFound, *REFUSALS, LostUpdate, *REPEATED),
    **acts(risk="risky"),
)
async def roll_back(number: Number, body: NoteInput, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Look as in an earlier version again: a new version with the same content, shown at once."""
    async with client(db, body.client_id) as chosen:
        await service.roll_back(chosen.db, number, note=body.note, if_match=if_match)
        return await _shown(chosen)


@looking.post(
    "/preview",
    response_class=Response,
    dependencies=WRITING,
    responses={
        200: {"description": "The page, the mail or the paper.", "content": preview.CONTENT},
        **problems(*BODY, ClientNotFound, *REFUSALS),
    },
    **acts(risk="read", left_out="answers a document"),
)
async def preview_customization(
    body: DraftInput, request: Request, db: TenantDb, kind: Shown = "page"
) -> Response:
    """See a look before anybody else does: in a page, a mail or a paper (PDF). Nothing is kept.

    The page's own policy lets no script run and asks no other host; show it in a frame without rights.
    """
    async with client(db, body.client_id) as chosen:
        look = _look(body)
        await service.check(chosen.db, look)
        return await preview.answer(kind, look, chosen.db, request.app.state.files.storage)


def _look(body: Look) -> Look:
    """The look in a body that says more."""
    return Look.model_construct(
        branding=body.branding, customization=body.customization, features=[*dict.fromkeys(body.features)]
    )


async def _shown(chosen: Client) -> Response:
    data, etag = await service.shown(chosen.db, chosen.slug)
    response = plain(data, chosen.meta())
    response.headers["ETag"] = etag
    return response
