"""``/`` and ``/account`` are ``serve/pages/index.html``. What they need lies beside it under ``/pages/``.

So does what pages for customers need (``spoken.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Query, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from serve.kernel.routing import area_router

PAGES = Path(__file__).parents[2] / "pages"
# Scripts of two versions of the program must never meet in one browser.
_ASK_FIRST = {"Cache-Control": "no-cache"}

router = area_router(include_in_schema=False)
Client = Annotated[str | None, Query(max_length=100)]


class Files(StaticFiles):
    """Files that the browser keeps, but asks about before each use."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_ASK_FIRST)
        return response


FILES = Files(directory=PAGES)


@router.get("/")
@router.get("/account")
async def page(client: Client = None) -> Response:
    """The figures of a business, or one's own account and what the links of mails about accounts open.

    The page is the same: it looks at its address itself (``main.js``). What such a link carries stands behind ``#`` and
    never comes here. ``client`` says whose look the log-in page wears (``look.js``).
    """
    return FileResponse(PAGES / "index.html", headers=_ASK_FIRST)
