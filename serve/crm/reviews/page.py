"""The page behind a request for a review, in the language of its mail; ``serve/pages/review.js`` fills it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from serve.crm.reviews.words import PAGE, WORDS
from serve.kernel.routing import area_router
from serve.platform.pages.spoken import SpokenPage

ADDRESS = "/reviews/answer"
router = area_router(include_in_schema=False)
_page = SpokenPage(Path(__file__).with_name("page.html"), WORDS, PAGE)


@router.get(ADDRESS)
async def review_page(language: Annotated[str | None, Query(max_length=100)] = None) -> HTMLResponse:
    """What the link of the mail opens. Its key never comes here; nothing is said before a button is pressed."""
    return _page.answer(language)
