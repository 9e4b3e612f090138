"""Leave to do one risky thing once: signed, short-lived, and only for the very call that was shown before."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import jwt
import orjson

from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.errors import Conflict, Invalid

LIFE_S = 300
_AUDIENCE, _ALGORITHM = "confirmation", "HS256"


class ConfirmationWrong(Invalid):
    code, message = (
        "CONFIRMATION_WRONG",
        "This confirmation is of another call or has expired. Call without it to get a new one.",
    )


class ConfirmationUsed(Conflict):
    code, message = (
        "CONFIRMATION_USED",
        "This confirmation was used before. Call without it to get a new one.",
    )


class Confirmations:
    """Any process may issue one and any other see it used: what is spent stands in the database, for a day."""

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._secret, self._clock = secret, clock

    def issue(self, caller: Caller, operation_id: str, params: Mapping[str, Any]) -> tuple[str, int]:
        """The token, and the second (Unix time) at which it ends."""
        expires_at_s = int(self._clock()) + LIFE_S
        claims = {
            "aud": _AUDIENCE,
            "exp": expires_at_s,
            "jti": secrets.token_urlsafe(12),
            "call": _digest(caller, operation_id, params),
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM), expires_at_s

    async def spend(
        self, database: Database, token: str, caller: Caller, operation_id: str, params: Mapping[str, Any]
    ) -> None:
        """Before the call is made; if that fails, another is needed. Raises ConfirmationWrong or ConfirmationUsed."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                # The clock is ours, not the library's.
                options={"require": ["exp", "jti", "aud"], "verify_exp": False},
            )
        except jwt.InvalidTokenError as error:
            raise ConfirmationWrong from error
        if claims["exp"] <= self._clock() or claims.get("call") != _digest(caller, operation_id, params):
            raise ConfirmationWrong
        row_id = blake2b(f"{_AUDIENCE}\0{claims['jti']}".encode(), digest_size=16).hexdigest()
        async with database.transaction(caller) as db:
            done = await db.execute(
                "insert into idempotency_keys (id, tenant_id, request_hash) values ($1, $2, $1)"
                " on conflict (id) do nothing",
                *(row_id, caller.tenant_id),
            )
        if done != "INSERT 0 1":
            raise ConfirmationUsed


def _digest(caller: Caller, operation_id: str, params: Mapping[str, Any]) -> str:
    """Who asks for what, to the letter; the order of names makes no difference."""
    call = [str(caller.tenant_id), caller.actor, operation_id, params]
    return blake2b(orjson.dumps(call, option=orjson.OPT_SORT_KEYS), digest_size=32).hexdigest()
