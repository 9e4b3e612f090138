"""``/openapi.json`` and ``/docs``."""

from __future__ import annotations

from pathlib import Path

import swagger_ui_bundle
from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from serve.kernel.catalogue import as_html
from serve.kernel.etag import content_etag, matches
from serve.kernel.routing import area_router
from serve.platform.docs.document import Document

HERE = Path(__file__).parent
ASSETS = StaticFiles(directory=swagger_ui_bundle.swagger_ui_path)

router = area_router(include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Its ETag is its content."""
    document: Document = request.app.state.document
    return _kept(request, await document.current())


@router.get("/docs")
async def docs() -> Response:
    return FileResponse(HERE / "index.html")


@router.get("/docs/errors")
async def error_codes() -> Response:
    """Where the ``type`` of a problem points."""
    return Response(as_html(), media_type="text/html")


@router.get("/docs/openapi-3.0.json")
async def openapi_for_page(request: Request) -> Response:
    """The document in the older words that the page below reads."""
    document: Document = request.app.state.document
    return _kept(request, await document.older())


@router.get("/docs/init.js")
async def init() -> Response:
    return FileResponse(HERE / "init.js", media_type="text/javascript")


def _kept(request: Request, body: bytes) -> Response:
    etag = content_etag(body)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
