"""Which passwords are taken (NIST SP 800-63B: length, and nothing that everybody tries first)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from serve.kernel.errors import Invalid

MOST_CHARACTERS = 1024


def check_password(
    password: str, *, shortest: int, about: Iterable[str] = (), field: str = "password"
) -> None:
    """Raises Invalid. ``about`` are words about the person: their address, their name, their company's.

    >>> check_password("correct horse battery staple", shortest=10)
    """
    if len(password) < shortest:
        raise Invalid(details=[(field, f"must have at least {shortest} characters")])
    plain = password.casefold().strip()
    if plain in common_passwords() or _without_tail(plain) in common_passwords():
        raise Invalid(details=[(field, "is among the passwords that everybody tries first")])
    if len(set(plain)) < 4:
        raise Invalid(details=[(field, "must have more than three different characters")])
    for word in about:
        if plain in (word.casefold(), word.casefold().partition("@")[0]):
            raise Invalid(details=[(field, "must not be your name or address")])


def _without_tail(plain: str) -> str:
    """Most people who are asked for more characters put digits behind: ``password2026!``."""
    return plain.rstrip("0123456789!.?*#$ ")


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Some thirty thousand, the most common first in their list; zxcvbn has them from leaks."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    lists = FREQUENCY_LISTS["passwords"]
    return frozenset(lists.split(",") if isinstance(lists, str) else lists)
