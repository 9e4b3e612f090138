"""What is allowed of articles, and how two versions of one differ."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from slugify import slugify

from serve.crm.articles.errors import ArticleEmpty

CONTENT = ("title", "summary", "body", "category", "language", "tags")
"""What a version freezes."""
MOST_SLUG = 100
MOST_LINES = 1000
"""Of a body that is compared line by line; matching takes up to the square of it."""
_ROOM = 7  # for a number behind the words


def slug_of(title: str) -> str:
    """The words of an address: ``how-to-top-up``.

    >>> slug_of("How to top up?"), slug_of("!?")
    ('how-to-top-up', 'article')
    """
    return slugify(title, max_length=MOST_SLUG - _ROOM, word_boundary=True) or "article"


def free_slug(wanted: str, taken: set[str]) -> str:
    """The wanted one, or with the first number that makes it another.

    >>> free_slug("top-up", {"top-up", "top-up-2"})
    'top-up-3'
    """
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"


def check_can_publish(article: Mapping[str, Any]) -> None:
    """Raises ArticleEmpty."""
    if not article["body"].strip():
        raise ArticleEmpty(details=[("body", "is empty")])


def is_shown(article: Mapping[str, Any]) -> bool:
    """Whether readers see the article just as it stands."""
    return bool(article["state"] == "published" and article["revision"] == article["published_revision"])


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts that differ. Those of a body are said line by line where it has at most ``MOST_LINES``.

    >>> differences({"title": "A", "body": "x"}, {"title": "B", "body": "x"})
    [{'field': 'title', 'before': 'A', 'after': 'B', 'lines': None}]
    """
    found = []
    for field in CONTENT:
        old, new = before.get(field), after.get(field)
        if old != new:
            lines = _lines(old or "", new or "") if field == "body" else None
            found.append({"field": field, "before": old, "after": new, "lines": lines})
    return found


def _lines(before: str, after: str) -> list[dict[str, str]] | None:
    """Each line with what became of it; None where there are too many."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_LINES:
        return None
    said: list[dict[str, str]] = []
    for change, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if change == "equal":
            said += [{"change": "same", "text": line} for line in old[a:b]]
            continue
        said += [{"change": "removed", "text": line} for line in old[a:b]]
        said += [{"change": "added", "text": line} for line in new[c:d]]
    return said
