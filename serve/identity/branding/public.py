"""What everybody may see of a look, before anybody has logged in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from serve.identity.branding import service, theme
from serve.identity.branding.errors import PictureNotFound
from serve.identity.branding.schemas import SLUG, PublicLook, ThemeQuery
from serve.kernel.db import DatabaseUnavailable
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import NotFound, problems
from serve.kernel.etag import content_etag, matches
from serve.kernel.routing import area_router
from serve.platform.files import downloads
from serve.platform.files.errors import FileLost, RangeNotSatisfiable

router = area_router(prefix=theme.PATH, tags=["white label"])

Slug = Annotated[str, Path(pattern=SLUG, description="The client's short name.")]
Version = Annotated[ThemeQuery, Query()]
ASK_FIRST = "public, no-cache"
FOR_A_YEAR = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"
STYLES = {
    200: {"description": "The style sheet.", "content": {"text/css": {"schema": {"type": "string"}}}},
    304: {"description": "You have it already."},
}
PICTURE = {
    200: {
        "description": "The picture.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in service.PICTURES},
    },
    304: {"description": "You have it already."},
}


@router.get(
    "/{slug}",
    response_model=Success[PublicLook, Meta],
    responses=problems(DatabaseUnavailable),
)
async def public_look(slug: Slug, request: Request) -> Response:
    """How the pages of a client look, for everybody. A name that nobody has looks like the product itself."""
    found = await service.publicly(request.app.state.database, slug)
    body = success(theme.public(slug, found.look), {})
    return _known(request, body, "application/json", ASK_FIRST)


@router.get(
    "/{slug}/theme.css", response_class=Response, responses={**STYLES, **problems(DatabaseUnavailable)}
)
async def stylesheet(slug: Slug, asked: Version, request: Request) -> Response:
    """The look as a style sheet: tokens for light and dark, and the client's own rules as we write them."""
    found = await service.publicly(request.app.state.database, slug)
    styles = theme.stylesheet(found.look)
    kept = FOR_A_YEAR if asked.v == theme.digest(styles) else ASK_FIRST
    return _known(request, styles.encode(), "text/css; charset=utf-8", kept)


@router.get(
    "/{slug}/logo",
    response_class=Response,
    responses={**PICTURE, **problems(PictureNotFound, FileLost, RangeNotSatisfiable, DatabaseUnavailable)},
)
async def public_logo(slug: Slug, asked: Version, request: Request) -> Response:
    """The client's logo."""
    return await _picture(request, slug, "logo_id")


@router.get(
    "/{slug}/favicon",
    response_class=Response,
    responses={**PICTURE, **problems(PictureNotFound, FileLost, RangeNotSatisfiable, DatabaseUnavailable)},
)
async def public_favicon(slug: Slug, asked: Version, request: Request) -> Response:
    """The small picture that browsers show with a page."""
    return await _picture(request, slug, "favicon_id")


async def _picture(request: Request, slug: str, name: str) -> Response:
    """Only what the published look names, whatever else the client keeps."""
    found = await service.publicly(request.app.state.database, slug)
    file_id = getattr(found.look.branding, name)
    if file_id is None:
        raise PictureNotFound
    try:
        record = await downloads.shared(request, found.tenant_id, file_id)
    except NotFound as gone:
        raise PictureNotFound from gone
    if record["media_type"] not in service.PICTURES:
        raise PictureNotFound
    response = await downloads.answer(request, record)
    response.headers["Cache-Control"] = FOR_AN_HOUR
    return response


def _known(request: Request, body: bytes, kind: str, kept: str) -> Response:
    headers = {"ETag": content_etag(body), "Cache-Control": kept}
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type=kind)
