"""How often links of mails are used by those who hold them: counted by link, and by the address that asks.

Nobody has logged in there, so the limits of the API know an address alone, and allow it what a whole office may need.
What stands behind a link costs more than that: papers are made, and decisions wait for each other.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

from fastapi import Request

from serve.kernel.errors import TooManyRequests, Unavailable
from serve.kernel.ratelimit import Asked, Debts, Rate, SharedDebts, wait_s

OF_ADDRESS = 6
"""So many times what one link allows: there may be several customers behind an address."""


class LinkUsedTooOften(TooManyRequests):
    code, message = "LINK_USED_TOO_OFTEN", "This link is asked too often. Wait a little, then try again."


class LinkCalls:
    """``per_min`` calls a minute with one link. With ``shared`` all processes count together; without a database each
    counts for itself."""

    def __init__(self, per_min: int, shared: SharedDebts | None = None) -> None:
        self._link = Rate(per_min, burst=per_min)
        self._address = Rate(per_min * OF_ADDRESS, burst=per_min * OF_ADDRESS)
        self._debts, self._shared = Debts(), shared

    async def count(self, address: str, token: str) -> None:
        """One call, whether or not there is such a link. Raises LinkUsedTooOften."""
        mark = sha256(token.encode()).hexdigest()[:32]  # the key itself stands nowhere
        asked: Asked = [(("link", mark), self._link), (("link_from", address), self._address)]
        is_admitted, debts_s = await self._take(asked)
        if not is_admitted:
            pause_s = max(wait_s(debt_s, rate) for debt_s, (_, rate) in zip(debts_s, asked, strict=True))
            raise LinkUsedTooOften(headers={"Retry-After": str(pause_s)})

    async def _take(self, asked: Asked) -> tuple[bool, list[float]]:
        if self._shared is not None:
            with suppress(Unavailable):
                return await self._shared.take(asked)
        return self._debts.take(asked)


async def count_call(request: Request, token: str) -> None:
    """Raises LinkUsedTooOften."""
    address = request.client.host if request.client else ""
    await request.app.state.link_calls.count(address, token)
