"""What a file may be at most, and how it is said that one cannot be read."""

from __future__ import annotations

import re

from serve.kernel.errors import Invalid, UnsupportedMediaType

MOST_ROWS = 100_000
MOST_COLUMNS = 500
MOST_UNPACKED_BYTES = 200 * 1024 * 1024


class FileUnreadable(Invalid):
    code, message = "FILE_UNREADABLE", "The file cannot be read."

    def __init__(self, why: str) -> None:
        super().__init__(details=[("file", why)])


class FileTypeUnknown(UnsupportedMediaType):
    code, message = "FILE_TYPE_UNKNOWN", "The file is neither CSV, XLSX nor JSON lines."

    def __init__(self, why: str) -> None:
        super().__init__(details=[("file", why)])


def too_many_rows() -> FileUnreadable:
    return FileUnreadable(f"has more than {MOST_ROWS:,} rows: send it in parts")


def plain(name: str) -> str:
    """A column's name without the ways in which people write it.

    >>> plain(" Full Name "), plain("fullName"), plain("full_name")
    ('full_name', 'full_name', 'full_name')
    """
    return re.sub(r"[\s_-]+|(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()).lower()


def header(cells: list[str]) -> tuple[str, ...]:
    """The columns. Raises FileUnreadable for names that are empty or there twice."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if "" in names:
        raise FileUnreadable(f"column {names.index('') + 1} has no name in the header")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FileUnreadable(f"the header has these columns more than once: {', '.join(twice)}")
    return tuple(names)
