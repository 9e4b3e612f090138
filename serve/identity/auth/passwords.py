"""Argon2id, which takes about 0.1 s and 64 MiB on purpose: in threads, and never more than two at once."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


class Passwords:
    """Verifies and hashes passwords for one event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(2)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one; without a hash the same work is done and the answer is no."""
        async with self._turns:
            return await asyncio.to_thread(_matches, password_hash, password)

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(_hasher.hash, password)


def _matches(password_hash: str | None, password: str) -> bool:
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")
