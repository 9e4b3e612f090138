"""Pages for customers, behind links of mails: words are put in by the server, in the language that the link names.

So a page speaks before anybody knows what it is about, and when its link opens nothing. All have one frame
(``spoken.html``). In the body of one ``$key`` stands for a word; its script takes words from ``serve/pages/said.js``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from string import Template
from typing import Annotated

import orjson
from fastapi import Query
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRouter

from serve.kernel.routing import area_router
from serve.kernel.speech import OTHERWISE, Words, spoken

FRAME = Path(__file__).with_name("spoken.html")


@dataclass(frozen=True, eq=False)
class SpokenPage:
    """``body`` in the frame, at ``address``; ``script`` (of ``serve/pages``) fills it.

    It is given the words whose keys begin with ``page_``, refusals (keys in capitals), and ``further`` ones. ``title``
    is the key of one of them.
    """

    address: str
    body: Path
    words: Words
    script: str
    title: str = "page_title"
    further: Collection[str] = ()

    @cached_property
    def router(self) -> APIRouter:
        made = area_router(include_in_schema=False)
        made.get(self.address, name=f"pages.{Path(self.script).stem}")(self.answer)
        return made

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Of the words that it is given."""
        return tuple(
            key
            for key in self.words[OTHERWISE]
            if key.startswith("page_") or key.isupper() or key in self.further
        )

    async def answer(self, language: Annotated[str | None, Query(max_length=100)] = None) -> HTMLResponse:
        """What the link opens. Its key never comes here, and looking decides nothing."""
        return HTMLResponse(self._documents[spoken(language)[:2]], headers={"Cache-Control": "no-cache"})

    def link(self, public_address: str, language: str, key: str) -> str:
        """Behind ``#``: browsers keep that to themselves, so the key stands in no server's log.

        >>> page = SpokenPage("/x", FRAME, {"en": {}}, "x.js")
        >>> page.link("https://example.org", "en-US", "key"), page.link("https://example.org", "de-CH", "key")
        ('https://example.org/x#key', 'https://example.org/x?language=de#key')
        """
        asked = "" if language[:2] == OTHERWISE else f"?language={language[:2]}"
        return f"{public_address}{self.address}{asked}#{key}"

    @cached_property
    def _documents(self) -> dict[str, str]:
        return {language: self._document(language) for language in self.words}

    def _document(self, language: str) -> str:
        own = {key: self.words[language][key] for key in self.keys}
        texts = {key: escape(text) for key, text in own.items()}
        return Template(FRAME.read_text()).substitute(
            language=language,
            title=texts[self.title],
            noscript=texts["page_noscript"],
            # In a script only `<` could end it.
            words=orjson.dumps(own).decode().replace("<", "\\u003c"),
            script=self.script,
            body=Template(self.body.read_text()).substitute(texts),
        )
