"""Names of files as clients say them: kept for people to read, never part of a path."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote, unquote

from serve.platform.files.errors import FileRefused

LONGEST = 200
_JOINERS = "\u200c\u200d"  # part of words of some languages, and of emoji


def plain_name(given: str) -> str:
    """The name, in one way of writing. Raises FileRefused for what could be a path, or looks other than it is."""
    name = unicodedata.normalize("NFC", given.strip())
    if not name or set(name) <= {".", " "}:
        raise FileRefused("has no name")
    if len(name) > LONGEST:
        raise FileRefused(f"has a name of more than {LONGEST} characters")
    for reading in _readings(name):
        if "/" in reading or "\\" in reading:
            raise FileRefused("has a path in the place of a name")
        if any(
            unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in reading if letter not in _JOINERS
        ):
            raise FileRefused("has letters in its name that cannot be seen")
    return name


def _readings(name: str) -> list[str]:
    """The name as careless programs might read it."""
    found = [name]
    for _ in range(3):
        found.append(unquote(found[-1]))
    return [unicodedata.normalize("NFKC", each) for each in found]


def extension(name: str) -> str:
    """
    >>> extension("Invoice.PDF"), extension("README"), extension(".htaccess"), extension("a.tar.gz")
    ('.pdf', '', '.htaccess', '.gz')
    """
    _, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot else ""


def attachment(name: str) -> str:
    """``Content-Disposition`` that saves under this name (RFC 6266 with RFC 5987).

    >>> attachment('Müller "2".pdf')
    'attachment; filename="M_ller _2_.pdf"; filename*=UTF-8\\'\\'M%C3%BCller%20%222%22.pdf'
    """
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\%' else "_"
        for letter in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
