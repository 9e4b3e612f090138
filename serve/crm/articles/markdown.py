"""Markdown as safe HTML and as plain text.

Whatever somebody writes, reading it runs no script and loads nothing from elsewhere: raw HTML is shown as text, what
is rendered goes through an allow-list, and pictures are the tenant's own files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS: Final = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code"),
    *("em", "strong", "s", "ul", "ol", "li", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
SCHEMES: Final = {"http", "https", "mailto", "tel"}
OWN_FILES: Final = ("/api/v1/files/", "/api/files/")
_FILE = re.compile(r"/api/(?:v1/)?files/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
_APART = frozenset({"softbreak", "hardbreak"})


def to_html(body: str) -> str:
    """What a page may show as it is.

    >>> to_html("**Hello** <script>")
    '<p><strong>Hello</strong> &lt;script&gt;</p>\\n'
    """
    return nh3.clean(
        _parser().render(body),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        attribute_filter=_allowed,
        link_rel="noopener noreferrer nofollow",
    )


def files_in(body: str) -> list[str]:
    """The ids of the tenant's files that it shows or links to.

    >>> files_in("![A plan](/api/v1/files/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01/download)")
    ['0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01']
    """
    return list(dict.fromkeys(_FILE.findall(body)))


def to_text(body: str) -> str:
    """The words alone, a block a line: what is searched and learned from.

    >>> to_text("# Hello\\n\\nSee [the *page*](https://example.org).")
    'Hello\\nSee the page.'
    """
    blocks = (_words(token) for token in _parser().parse(body))
    return "\n".join(block for block in blocks if block)


def _words(token: Token) -> str:
    if token.type in ("fence", "code_block"):
        return token.content.strip()
    return " ".join("".join(_inline(token.children or ())).split())


def _inline(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type in _APART:
            yield " "
        elif token.type == "image":
            yield from _inline(token.children or ())
        elif token.type in ("text", "code_inline"):
            yield token.content


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if (tag, attribute) == ("img", "src") and not value.startswith(OWN_FILES):
        return None
    return value


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
