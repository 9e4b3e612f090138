"""Where a script could stand in what was sent: such bodies are refused before anything else is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

NAMES = re.compile(
    r"(custom|head|body|inline|extra|user|page)?[_-]?(js|javascript|scripts?|html|handlers?|eval|onload)"
    r"|on[_-]?[a-z]{3,}",
    re.IGNORECASE,
)
"""Fields that other products take programs or markup in: customJs, script, headHtml, onclick."""

_LOOKS = (
    (re.compile(r"<\s*+(?:/\s*+)?[a-z!?]", re.IGNORECASE), "holds markup"),
    (re.compile(r"(java|vb|live)script:", re.IGNORECASE), "holds the address of a script"),
    (
        re.compile(r"data:\s*(text/html|image/svg|application/)", re.IGNORECASE),
        "holds a document as an address",
    ),
    (re.compile(r"\bon[a-z]{3,}\s*=", re.IGNORECASE), "holds a handler"),
    (re.compile(r"\bexpression\s*\(", re.IGNORECASE), "holds an expression that runs"),
)
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")
_ENTITY = re.compile(r"&(#x?[0-9a-f]+|colon|tab|newline|lt|lpar|sol);?", re.IGNORECASE)


def scripts_in(sent: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """(field, reason) of each place that could be one, wherever it is in the body."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            where = f"{place}.{name}" if place else str(name)
            if NAMES.fullmatch(str(name)):
                yield where, "scripts and markup are not taken"
            else:
                yield from scripts_in(value, where)
    elif isinstance(sent, list):
        for index, value in enumerate(sent):
            yield from scripts_in(value, f"{place}[{index}]")
    elif isinstance(sent, str):
        # As a lenient reader would see it: entities and blanks inside of a word are how filters are passed.
        plain = _BLANKS.sub("", sent)
        for looks, why in _LOOKS:
            if looks.search(sent) or looks.search(plain):
                yield place, why
                return
        if _ENTITY.search(sent):
            yield place, "holds a character that is written as an entity"
