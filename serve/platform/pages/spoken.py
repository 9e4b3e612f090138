"""Pages for customers: a document whose words are put in by the server, in the language that its address names.

``$key`` stands for a word, ``$language`` for the language, and ``$words`` for all of them as JSON, for the script that
fills the page (``serve/pages/said.js``).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from html import escape
from pathlib import Path
from string import Template

import orjson
from fastapi.responses import HTMLResponse

from serve.kernel.speech import OTHERWISE, Words, spoken


class SpokenPage:
    """``document`` with the words named by ``keys``."""

    def __init__(self, document: Path, words: Words, keys: Collection[str]) -> None:
        self._document, self._words, self._keys = document, words, keys
        self._made = cache(self._make)

    def answer(self, language: str | None) -> HTMLResponse:
        return HTMLResponse(self._made(spoken(language)[:2]), headers={"Cache-Control": "no-cache"})

    def _make(self, language: str) -> str:
        own = {key: self._words[language][key] for key in self._keys}
        # In a script only `<` could end it.
        words = orjson.dumps(own).decode().replace("<", "\\u003c")
        texts = {key: escape(text) for key, text in own.items()}
        return Template(self._document.read_text()).substitute(texts, language=language, words=words)


def link_of(public_address: str, address: str, language: str, key: str) -> str:
    """Behind ``#``: browsers keep that to themselves, so the key stands in no server's log.

    >>> link_of("https://example.org", "/x", "en-US", "key"), link_of("https://example.org", "/x", "de-CH", "key")
    ('https://example.org/x#key', 'https://example.org/x?language=de#key')
    """
    asked = "" if language[:2] == OTHERWISE else f"?language={language[:2]}"
    return f"{public_address}{address}{asked}#{key}"
