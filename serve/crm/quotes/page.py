"""The page behind a quote's link, in its language: ``page.html`` with its words; ``serve/pages/quote.js`` fills it.

The link of the mail names the language, so the page has it before anybody knows which quote is meant, and whether the
link still opens one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from serve.crm.quotes.words import PAGE, WORDS
from serve.kernel.routing import area_router
from serve.platform.pages.spoken import SpokenPage

ADDRESS = "/quotes/accept"
router = area_router(include_in_schema=False)
_page = SpokenPage(Path(__file__).with_name("page.html"), WORDS, PAGE)


@router.get(ADDRESS)
async def quote_page(language: Annotated[str | None, Query(max_length=100)] = None) -> HTMLResponse:
    """What the link of a quote opens. Its key never comes here; looking decides nothing."""
    return _page.answer(language)
