"""``/`` is ``serve/pages/index.html``; its scripts and styles lie beside it under ``/pages/``."""

from __future__ import annotations

from pathlib import Path

from fastapi import Response
from fastapi.responses import FileResponse, RedirectResponse

from serve.kernel.routing import area_router

PAGES = Path(__file__).parents[2] / "pages"

router = area_router(include_in_schema=False)


@router.get("/")
async def dashboard() -> Response:
    index = PAGES / "index.html"
    return FileResponse(index) if index.exists() else RedirectResponse("/docs", 307)
