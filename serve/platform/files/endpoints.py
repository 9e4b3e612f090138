"""Files over HTTP: sent, listed, handed out, shared by links."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field

from serve.kernel.bodies import takes_files
from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import BodyTooLarge, Invalid, Malformed, NotFound, Problem, problems
from serve.kernel.events import event, note_read
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning, StreamedRoute, once
from serve.kernel.openapi import never_null
from serve.kernel.permissions import Permission
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.platform.files import downloads, pictures, service
from serve.platform.files.belonging import check_may_change
from serve.platform.files.errors import (
    FileLost,
    FileRefused,
    FileTooLarge,
    FileTypeRefused,
    LinkExpired,
    LinkNotFound,
    NotAForm,
    NotYourFile,
    QuotaExceeded,
    RangeNotSatisfiable,
)
from serve.platform.files.links import Link
from serve.platform.files.schemas import (
    AvatarGone,
    FileRead,
    LinkFields,
    LinkRead,
    ManyForm,
    OneForm,
    PictureForm,
    SentFile,
    SentFiles,
    SentPicture,
)
from serve.platform.files.service import MOST_FILES, Files, files

LINK_MADE = event(
    "file.link_made", "Somebody made a link that opens the file without log-in.", category="read"
)

router = files.router()
Reader = Annotated[Caller, Depends(Needs("files:read"))]
Range = Annotated[
    str | None, Header(description="One part of it: `bytes=0-1023`, `bytes=1024-`, `bytes=-100`.")
]
IfRange = Annotated[str | None, Header(description="The part only while the ETag is this; else the whole.")]


class SharedQuery(BaseModel):
    token: str = Field(min_length=1, max_length=200, description="As the link has it.")


def _uploading(
    permission: Permission, answered: Any, form: type[BaseModel], *also: type[Problem]
) -> dict[str, Any]:
    """What the routes that take files have in common."""
    schema = form.model_json_schema(by_alias=False)
    schema["properties"] = {name: never_null(each) for name, each in schema["properties"].items()}
    content = {"multipart/form-data": {"schema": schema}}
    kinds: tuple[type[Problem], ...] = (
        *(DatabaseUnavailable, Malformed, NotAForm, FileTypeRefused, FileRefused, BodyTooLarge, FileTooLarge),
        *(QuotaExceeded, NotYourFile, StillRunning, KeyOfAnotherRequest),
    )
    return {
        "methods": ["POST"],
        "status_code": 201,
        "route_class_override": StreamedRoute,
        "response_model": answered,
        "dependencies": [Depends(Needs(permission))],
        "responses": problems(*kinds, *also),
        **acts(left_out="takes a file", requestBody={"required": True, "content": content}),
    }


@takes_files
async def upload(request: Request) -> Response:
    async with service.sent(request, OneForm, name="file") as sent:

        async def work(db: Transaction) -> Response:
            [row] = await service.keep(db, _kept(request), sent.ready)
            return one(row, status=201, headers={"Location": f"{files.path}/{row['id']}"})

        return await once(request, sent.digest, work)


UPLOAD = (
    "Send one file.\n\nIts kind is seen from its content, which must be what its name says. It is looked through before"
    " it is there: what is something else at the same time, unpacks to something huge, or could run, is refused."
)
for path, alias in (("", ""), ("/upload", f"\n\nThe same as `POST {files.path}`.")):
    router.add_api_route(
        path,
        upload,
        **_uploading("files:write", Success[FileRead, RowMeta], SentFile, Duplicate),
        description=UPLOAD + alias,
    )


@takes_files
async def upload_several(request: Request) -> Response:
    async with service.sent(request, ManyForm, name="files", most_files=MOST_FILES) as sent:

        async def work(db: Transaction) -> Response:
            return plain(await service.keep(db, _kept(request), sent.ready), status=201)

        return await once(request, sent.digest, work)


router.add_api_route(
    "/upload-multiple",
    upload_several,
    **_uploading("files:write", Success[list[FileRead], Meta], SentFiles),
    description=f"Send up to {MOST_FILES} files.\n\nAll of them are taken or none; what is wrong names its file:"
    " `files[1]`.",
)


@takes_files
async def upload_avatar(
    request: Request, caller: Annotated[Caller, Depends(Needs("self:write"))]
) -> Response:
    return await _picture(request, pictures.AVATAR, caller.user_id)


@takes_files
async def upload_logo(
    request: Request, caller: Annotated[Caller, Depends(Needs("settings:write"))]
) -> Response:
    return await _picture(request, pictures.LOGO, caller.tenant_id)


async def _picture(
    request: Request, shape: pictures.Shape, entity_id: UUID, *, status: int = 201
) -> Response:
    async with service.sent_picture(request, PictureForm, shape) as sent:

        async def work(db: Transaction) -> Response:
            row = await service.keep_picture(db, _kept(request), sent.ready[0], shape, entity_id)
            return one(row, status=status, headers={"Location": f"{files.path}/{row['id']}"})

        return await once(request, sent.digest, work)


router.add_api_route(
    "/upload-avatar",
    upload_avatar,
    **_uploading("self:write", Success[FileRead, RowMeta], SentPicture),
    description=f"Send one's own avatar.\n\nIt is cut to a square of {pictures.AVATAR.side_px} pixels and takes the"
    " place of the one before.",
)


@takes_files
async def set_avatar(request: Request, caller: Annotated[Caller, Depends(Needs("self:write"))]) -> Response:
    return await _picture(request, pictures.AVATAR, caller.user_id, status=200)


avatars = area_router(prefix="/api/v1/users/profile/avatar", tags=["auth"])
avatars.add_api_route(
    "",
    set_avatar,
    **_uploading("self:write", Success[FileRead, RowMeta], SentPicture)
    | {"methods": ["PATCH"], "status_code": 200},
    description="Set one's own picture.\n\nThe same as `POST /api/v1/files/upload-avatar`.",
)


@avatars.delete(
    "",
    response_model=Success[AvatarGone, Meta],
    responses=problems(DatabaseUnavailable),
    name="avatars.remove",
)
async def remove_avatar(caller: Annotated[Caller, Depends(Needs("self:write"))], db: TenantDb) -> Response:
    """Be without a picture; one who has none stays so."""
    gone = await service.remove_picture(db, pictures.AVATAR, caller.user_id)
    return plain({"removed": gone})


router.add_api_route(
    "/upload-logo",
    upload_logo,
    **_uploading("settings:write", Success[FileRead, RowMeta], SentPicture),
    description=f"Send the company's logo.\n\nIt is made to fit into {pictures.LOGO.side_px} pixels and takes the place"
    " of the one before. SVG is not taken: it can hold programs.",
)


@router.get(
    "/shared",
    response_class=Response,
    responses={
        **downloads.ANSWER,
        **problems(LinkNotFound, LinkExpired, FileLost, RangeNotSatisfiable, DatabaseUnavailable),
    },
)
async def open_link(
    request: Request,
    asked: Annotated[SharedQuery, Query()],
    range: Range = None,
    if_range: IfRange = None,
) -> Response:
    """The file of a link, for whoever has it.

    A link ends with its time, or when its file is deleted.
    """
    link = _kept(request).links.read(asked.token, now_s=time.time())
    try:
        record = await downloads.shared(request, link.tenant_id, link.file_id)
    except NotFound as gone:
        raise LinkNotFound from gone
    return await downloads.answer(request, record)


@router.get(
    "/{id}/download",
    response_class=Response,
    responses={
        **downloads.ANSWER,
        **problems(files.NotFound, FileLost, RangeNotSatisfiable, DatabaseUnavailable),
    },
)
async def download(
    id: Id, request: Request, caller: Reader, range: Range = None, if_range: IfRange = None
) -> Response:
    """The content of a file.

    One range at a time; the ETag is the SHA-256 of the content.
    """
    record = await downloads.seen(request, caller, id)
    return await downloads.answer(request, record)


@router.post(
    "/{id}/link",
    status_code=201,
    response_model=Success[LinkRead, Meta],
    dependencies=[Depends(Needs("files:write"))],
    responses=problems(*BODY, files.NotFound, NotYourFile, Invalid, StillRunning, KeyOfAnotherRequest),
    **acts(risk="risky", dry_run=False),  # a link works, whatever is undone
)
async def make_link(id: Id, wish: LinkFields, request: Request, db: TenantDb) -> Response:
    """A link that opens the file without log-in, until its time is over."""
    row = await files.get(db, id, lock=True)
    check_may_change(row, db.caller)
    expires_at_s = int(time.time()) + wish.expires_in_s
    token = _kept(request).links.token(Link(db.caller.tenant_id, UUID(row["id"]), expires_at_s))
    expires_at = datetime.fromtimestamp(expires_at_s, UTC)
    await note_read(db, LINK_MADE, "file", id, {"expires_at": expires_at})
    return plain({"url": f"{files.path}/shared?token={token}", "expires_at": expires_at}, status=201)


def _kept(request: Request) -> Files:
    kept: Files = request.app.state.files
    return kept
