"""What more areas than one need to make a row."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.surface.operations import BY_NAME

if TYPE_CHECKING:
    from tests.surface.calls import Surface


NUMBERS = itertools.count(1)


def number(text: str) -> Callable[[Surface], str]:
    return lambda surface: text.format(next(NUMBERS))


PICTURE = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"  # of letters: Schemathesis sends nothing else


def row_of(collection: str) -> Callable[[Surface], str]:
    """The id of a new row, of the tenant whose body needs it."""
    return lambda surface: surface.make(BY_NAME[f"POST {collection}"], surface.at_work_for)["id"]
