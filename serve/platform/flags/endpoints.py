"""Feature flags, the groups that their rules name, and what they give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from serve.kernel.caller import Caller, Lacks, Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import Forbidden, problems
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources import Resource
from serve.kernel.resources.words import BODY, Id, one, plain
from serve.kernel.routing import area_router
from serve.platform.flags import models, service
from serve.platform.flags.errors import FlagArchived, FlagInvalid
from serve.platform.flags.rules import check_flag, check_segment
from serve.platform.flags.schemas import (
    EvaluateInput,
    FeedbackInput,
    FeedbackRead,
    FlagFields,
    FlagRead,
    FlagUse,
    Given,
    Preview,
    PreviewInput,
    SegmentFields,
)

flags = Resource(
    models.flags, fields=FlagFields, read=FlagRead, rule=check_flag, path="/api/v1/feature-flags"
)
segments = Resource(models.flag_segments, fields=SegmentFields, rule=check_segment, permission="flags")

router = flags.router(tags=["feature flags"])
segment_router = segments.router(tags=["feature flags"])
asking = area_router(prefix=flags.path, tags=["feature flags"])
"""What changes nothing, or a single row of the caller's own."""

Person = Annotated[Caller, Depends(Needs("self:read"))]
READING = [Depends(Needs("flags:read"))]
Looked = Annotated[Caller, Depends(Needs("flags:read"))]


@flags.action(router, "archive")
async def archive_flag(id: Id, db: TenantDb) -> Response:
    """Put the flag into the archive: everybody gets its default, and it cannot be changed."""
    flag = await flags.get(db, id, lock=True)
    if flag["archived_at"] is None:
        flag = await flags.change(db, flag, archived_at=datetime.now(UTC), event=service.ARCHIVED)
    return one(flag)


@flags.action(router, "unarchive")
async def unarchive_flag(id: Id, db: TenantDb) -> Response:
    """Take the flag out of the archive, as it was."""
    flag = await flags.get(db, id, lock=True)
    return one(await flags.change(db, flag, archived_at=None, event=service.UNARCHIVED))


@asking.post(
    "/evaluate",
    response_model=Success[list[Given], Meta],
    responses=problems(*BODY, Forbidden),
)
async def evaluate_flags(asked: EvaluateInput, request: Request, caller: Person) -> Response:
    """What the caller gets from each flag, and why; with a `context` what somebody else would get.

    Changes reach every server within two seconds. Flags that do not exist are left out.
    """
    if asked.context is not None and "flags:read" not in caller.permissions:
        raise Lacks(caller, "flags:read")
    return plain(await request.app.state.flags.given(caller, asked))


@asking.post(
    "/{id}/preview",
    response_model=Success[Preview, Meta],
    responses=problems(*BODY, flags.NotFound, FlagInvalid, FlagArchived),
)
async def preview_flag(
    id: Id, asked: PreviewInput, request: Request, caller: Looked, db: TenantDb
) -> Response:
    """Who of the tenant's people gets what, and what changes would do to that, before anything is saved."""
    flag = await flags.get(db, id, lock=True)
    members = await service.members(db)
    return plain(await service.preview(request.app.state.flags, caller, flag, asked, members))


@asking.get(
    "/{id}/uses",
    response_model=Success[list[FlagUse], Meta],
    dependencies=READING,
    responses=problems(flags.NotFound, DatabaseUnavailable),
)
async def flag_uses(id: Id, db: TenantDb) -> Response:
    """How often each variant was given in the last 30 days, and how many have seen it."""
    flag = await flags.get(db, id)
    return plain([dict(row) for row in await service.uses(db, flag)])


@asking.put(
    "/{id}/feedback",
    response_model=Success[FeedbackRead, Meta],
    dependencies=[Depends(Needs("self:write"))],
    responses=problems(*BODY, flags.NotFound),
)
async def give_feedback(id: Id, said: FeedbackInput, request: Request, db: TenantDb) -> Response:
    """Say what one thinks of the feature; a later opinion takes the place of the earlier."""
    flag = await flags.get(db, id, lock=True)
    return plain(dict(await service.give_feedback(db, request.app.state.flags, flag, said)))


@asking.get(
    "/{id}/feedback",
    response_model=Success[list[FeedbackRead], PageMeta],
    dependencies=READING,
    responses=problems(flags.NotFound, DatabaseUnavailable),
)
async def read_feedback(id: Id, asked: Annotated[Paged, Query()], db: TenantDb) -> Response:
    """What people think of the feature, the newest first."""
    window = asked.window()
    rows, total = await service.feedback(db, await flags.get(db, id), window)
    return plain([dict(row) for row in rows], page_meta(window, total))
