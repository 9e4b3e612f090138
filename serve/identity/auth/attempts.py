"""Failed log-ins: counted so that nobody guesses for ever, and nobody locks anybody else out."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from contextlib import suppress

from serve.identity.auth.errors import TooManyAttempts
from serve.kernel.errors import Unavailable
from serve.kernel.ratelimit import Asked, Debts, Key, Rate, SharedDebts, wait_s

MOST_KNOWN = 10_000
KNOWN_S = 30 * 86_400
"""For so long an address stays one that the account has come in from."""
_KNOWN = Rate(60 / KNOWN_S, burst=1)


class Attempts:
    """Counts failures with a password: by address and account, by address alone, and by account alone.

    Were the last the whole of it, anybody could lock anybody out. So it counts only those who come from where nobody
    has come in to that account: neither from this address lately, nor with the cookie that a browser gets at log-in.
    Whoever is locked out there sets a new password by mail.

    With ``shared`` all processes count together and know the same addresses; without a database each counts for
    itself. Accounts stand there as keyed hashes, and are asked for alike whether or not there is one.
    """

    def __init__(self, per_min: int, secret: str, shared: SharedDebts | None = None) -> None:
        self._pair = Rate(per_min, burst=per_min)
        self._address = Rate(per_min * 6, burst=per_min * 6)
        self._stranger = Rate(per_min / 60, burst=per_min * 5)
        self._failures, self._known, self._shared = Debts(), Debts(most_keys=MOST_KNOWN), shared
        self._secret = secret.encode()

    async def count(self, address: str, account: str, *, device: str = "") -> None:
        """Before the slow part, so that attempts at the same time count too. Raises TooManyAttempts."""
        is_known = self._is_of(device, account) or await self._has_come_in(address, account)
        asked = [
            (self._key("login", address, account), self._pair),
            (self._key("login_from", address), self._address),
        ]
        if not is_known:
            asked.append((self._key("login_to", account), self._stranger))
        is_admitted, debts_s = await self._take(asked)
        if not is_admitted:
            pause_s = max(wait_s(debt_s, rate) for debt_s, (_, rate) in zip(debts_s, asked, strict=True))
            raise TooManyAttempts(headers={"Retry-After": str(pause_s)})

    async def succeeded(self, address: str, account: str) -> None:
        failed = self._key("login", address, account)
        known = self._key("login_known", address, account)
        self._failures.owe(failed, 0)
        self._known.owe(known, KNOWN_S)
        await self._share({failed: 0, known: KNOWN_S})

    async def start_anew(self, account: str) -> None:
        """The account has a new password: what was guessed before was guessed at another one."""
        strangers = self._key("login_to", account)
        self._failures.owe(strangers, 0)
        await self._share({strangers: 0})

    def cookie_for(self, account: str) -> str:
        """For the browser that the account came in with."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._mark('device', nonce, account)}"

    async def _take(self, asked: Asked) -> tuple[bool, list[float]]:
        if self._shared is not None:
            with suppress(Unavailable):
                return await self._shared.take(asked)
        return self._failures.take(asked)

    async def _has_come_in(self, address: str, account: str) -> bool:
        known = self._key("login_known", address, account)
        if self._shared is not None:
            with suppress(Unavailable):
                return await self._shared.debt_s(known) > 0
        return self._known.debt_s(known, _KNOWN) > 0

    async def _share(self, debts_s: dict[Key, float]) -> None:
        if self._shared is not None:
            with suppress(Unavailable):
                await self._shared.owe(debts_s)

    def _is_of(self, cookie: str, account: str) -> bool:
        nonce, _, mark = cookie.partition(".")
        return bool(mark) and hmac.compare_digest(
            mark.encode(), self._mark("device", nonce, account).encode()
        )

    def _key(self, kind: str, *about: str) -> Key:
        return kind, self._mark(kind, *about)

    def _mark(self, *about: str) -> str:
        digest = hmac.digest(self._secret, " ".join(about).encode(), "sha256")
        return urlsafe_b64encode(digest[:18]).decode()
