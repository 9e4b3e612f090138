r"""Where a text says somebody's address, number or name, and not another one that contains it.

``an@example.org`` stands neither in ``joan@example.org`` nor in ``an@example.org.uk``. Texts may be JSON, in which a
line break before the word is written ``\n``, or part of an address of the web, in which a space is ``%20``. What
came before a word is the first group of its pattern; what comes after it is no part of what matches, but in DuckDB,
whose RE2 cannot look ahead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

POSTGRES = PYTHON = r"\w"
DUCKDB = r"\pL\pN_"
"""What letters and digits are called within brackets."""

_ESCAPED = r"\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}"


_BETWEEN = r"[ ()./-]{0,3}"
FEWEST_DIGITS = 7
"""A shorter number is sought as it is written: its digits stand in too many others."""


def mention(kind: str, word: str, letters: str = PYTHON) -> str:
    r"""The pattern of a word of that kind: ``email``, ``phone`` or ``name``; written small or large.

    >>> found = re.compile(mention("email", "an@example.org"))
    >>> [bool(found.search(text)) for text in ("<AN@example.org>.", "joan@example.org", "an@example.org.uk")]
    [True, False, False]
    """
    said = "".join(_either(char) for char in word)
    ahead = "?:" if letters == DUCKDB else "?="
    if kind == "phone":
        digits = re.sub(r"\D", "", word)
        if len(digits) >= FEWEST_DIGITS:  # people write one number in many ways
            said = rf"{_BETWEEN}".join(digits)
        return rf"(^|[^0-9]){said}({ahead}$|[^0-9])"
    if kind == "name":
        return rf"(^|[^{letters}]|{_ESCAPED}){said}({ahead}$|[^{letters}])"
    before = rf"^|[^{letters}.+-]|(?:^|[^{letters}])\.|{_ESCAPED}"
    # A country may follow ("org.uk"); anything else behind a dot is the next sentence, or an ending.
    country_or_not = rf"\.(?:$|[^a-z]|[a-z](?:$|[^a-z])|[a-z][a-z][{letters}])"
    after = rf"$|[^{letters}.-]|-(?:$|[^{letters}])|{country_or_not}"
    return rf"({before}){said}({ahead}{after})"


def mentions(known_by: Mapping[str, Iterable[str]], letters: str = PYTHON) -> list[str]:
    """Patterns for all words of all kinds."""
    return [mention(kind, word, letters) for kind, words in known_by.items() for word in words if word]


def _either(char: str) -> str:
    """The letter in both cases; whatever else by itself."""
    if char == "@":
        return "(?:@|%40)"  # in an address of the web
    cases = {char, char.lower(), char.upper()}
    if len(cases) > 1 and all(len(case) == 1 for case in cases):
        return f"[{''.join(sorted(cases))}]"
    return char if char.isalnum() else re.sub(r"([^\w\s@])", r"\\\1", char)
