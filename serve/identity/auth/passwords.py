"""Argon2id, which takes about 0.1 s and 64 MiB on purpose: in threads, and never more than two at once."""

from __future__ import annotations

import asyncio
import re
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

COST = "m=65536,t=3,p=4"
"""The second recommended option of RFC 9106: KiB, passes, lanes."""


def hasher(cost: str) -> PasswordHasher:
    """Raises ValueError."""
    found = re.fullmatch(r"m=([1-9]\d{0,6}),t=([1-9]\d?),p=([1-9]\d?)", cost)
    if found is None:
        raise ValueError(f"must be like {COST}: KiB, passes, lanes")
    memory_kib, passes, lanes = map(int, found.groups())
    if memory_kib < 8 * lanes:
        raise ValueError("takes at least 8 KiB for each lane")
    return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)


class Passwords:
    """Verifies and hashes passwords for one event loop."""

    def __init__(self, cost: str = COST) -> None:
        self._hasher = hasher(cost)
        self._turns = asyncio.Semaphore(2)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one; without a hash the same work is done and the answer is no."""
        async with self._turns:
            return await asyncio.to_thread(self._matches, password_hash, password)

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def renewed(self, password_hash: str, password: str) -> str | None:
        """A new hash of the right password when the one that is there costs more or less than one does today.

        Whoever is hashed at another cost than everybody else can be told by the time that a wrong password takes.
        """
        return await self.hash(password) if self._hasher.check_needs_rehash(password_hash) else None

    def _matches(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash("nobody has this password")
