"""The page behind a quote's link, in its language: ``page.html`` with its words; ``serve/pages/quote.js`` fills it.

The link of the mail names the language, so the page has it before anybody knows which quote is meant, and whether the
link still opens one.
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Annotated

import orjson
from fastapi import Query
from fastapi.responses import HTMLResponse

from serve.crm.quotes.words import PAGE, WORDS
from serve.kernel.routing import area_router
from serve.kernel.speech import OTHERWISE, spoken

ADDRESS = "/quotes/accept"
router = area_router(include_in_schema=False)


def link_of(public_address: str, language: str, key: str) -> str:
    """Behind ``#``: browsers keep that to themselves, so the key stands in no server's log.

    >>> link_of("https://example.org", "en-US", "key"), link_of("https://example.org", "de-CH", "key")
    ('https://example.org/quotes/accept#key', 'https://example.org/quotes/accept?language=de#key')
    """
    asked = "" if language[:2] == OTHERWISE else f"?language={language[:2]}"
    return f"{public_address}{ADDRESS}{asked}#{key}"


@router.get(ADDRESS)
async def quote_page(language: Annotated[str | None, Query(max_length=100)] = None) -> HTMLResponse:
    """What the link of a quote opens. Its key never comes here; looking decides nothing."""
    return HTMLResponse(_page(spoken(language)[:2]), headers={"Cache-Control": "no-cache"})


@cache
def _page(language: str) -> str:
    own = WORDS[language]
    template = Template(Path(__file__).with_name("page.html").read_text())
    # In a script only `<` could end it.
    words = orjson.dumps({key: own[key] for key in PAGE}).decode().replace("<", "\\u003c")
    texts = {key: escape(own[key]) for key in PAGE}
    return template.substitute(texts, language=language, words=words)
