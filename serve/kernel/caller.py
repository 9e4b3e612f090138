"""Who is calling: access tokens, the caller behind one, and the permission that a route needs."""

from __future__ import annotations

import base64
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request
from starlette.requests import cookie_parser
from starlette.types import Scope

from serve.kernel.errors import Forbidden, Unauthenticated
from serve.kernel.permissions import Permission, permissions_of

COOKIE = "throughline_access"
KEY_START = "tl_"
NEVER_S = 253_402_300_799  # the end of the year 9999
CACHE_SIZE = 10_000
CACHE_S = 60.0
_ISSUER = "throughline"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSiteRequest(Forbidden):
    """A browser sends the cookie by itself, even when another site asked; it never adds this header by itself."""

    code, message = (
        "CSRF",
        "Calls that change something with the log-in cookie need the header X-Requested-With.",
    )


class NotByKey(Forbidden):
    """What changes who may come in is left to people."""

    code, message = "LOG_IN_NEEDED", "An API key cannot do this. Log in with e-mail and password."


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, or a key acting for one, at work for one tenant.

    ``tenant_ids`` are the tenants whose rows may be read.
    """

    user_id: UUID
    email: str
    tenant_id: UUID
    role: str
    permissions: frozenset[str]
    tenant_ids: tuple[UUID, ...]
    token_id: str
    expires_at_s: int
    by_cookie: bool = False
    session_id: UUID | None = None
    api_key_id: UUID | None = None

    @property
    def actor(self) -> str:
        """As events name who acts."""
        return f"api_key:{self.api_key_id}" if self.api_key_id else f"user:{self.user_id}"


class Tokens:
    """Signs access tokens (EdDSA) and verifies them.

    A verified token is remembered for at most a minute, because the signature costs more than the rest of a short
    request. Its expiry and its revocation are looked at every time. Revocations are known to this process only, until
    the last token that they concern has expired; a session is ended for all processes in the database, where its next
    refresh fails.
    """

    def __init__(self, secret: str, *, life_s: int, clock: Callable[[], float] = time.time) -> None:
        """``secret`` is url-safe base64 of 32 bytes, as ``Home.secret`` makes it."""
        seed = base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()
        self.life_s, self._clock = life_s, clock
        self._seen: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._revoked: dict[
            str | UUID, float
        ] = {}  # tokens and sessions, and when none of it can be valid any more

    def issue(
        self,
        user_id: UUID,
        *,
        email: str,
        tenant_id: UUID,
        tenant_ids: Sequence[UUID],
        role: str,
        session_id: UUID | None = None,
    ) -> tuple[str, int]:
        """A token and the second (Unix time) at which it ends."""
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "sub": str(user_id),
            "email": email,
            "tenant": str(tenant_id),
            "tenants": [str(each) for each in tenant_ids],
            "role": role,
            "iat": now,
            "exp": now + self.life_s,
            "jti": secrets.token_urlsafe(12),
        }
        if session_id is not None:
            claims["sid"] = str(session_id)
        return jwt.encode(claims, self._private, algorithm="EdDSA"), now + self.life_s

    def verify(self, token: str) -> Caller:
        """The caller behind the token. Raises Unauthenticated."""
        digest = sha256(token.encode()).digest()  # raw tokens need not lie in memory
        now = self._clock()
        known = self._seen.get(digest)
        if known is not None and now - known[1] < CACHE_S:
            caller = known[0]
        else:
            caller = self._decode(token)
            self._seen[digest] = (caller, now)
            self._seen.move_to_end(digest)
            if len(self._seen) > CACHE_SIZE:
                self._seen.popitem(last=False)
        if caller.expires_at_s <= now:
            raise Unauthenticated("The access token has expired. Log in again.")
        if caller.token_id in self._revoked or caller.session_id in self._revoked:
            raise Unauthenticated("This session was ended. Log in again.")
        return caller

    def revoke(self, *ended: str | UUID) -> None:
        """Refuse these tokens (by their id) and all tokens of these sessions from now on."""
        now = self._clock()
        self._revoked = {each: end for each, end in self._revoked.items() if end > now}
        self._revoked |= dict.fromkeys(ended, now + self.life_s)

    def _decode(self, token: str) -> Caller:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                issuer=_ISSUER,
                # The clock is ours, not the library's, so that one rule decides at every hit.
                options={"require": ["exp", "sub", "jti", "iss"], "verify_exp": False, "verify_iat": False},
            )
            return Caller(
                user_id=UUID(claims["sub"]),
                email=claims["email"],
                tenant_id=UUID(claims["tenant"]),
                role=claims["role"],
                permissions=permissions_of(claims["role"]),
                tenant_ids=tuple(UUID(each) for each in claims["tenants"]),
                token_id=claims["jti"],
                expires_at_s=int(claims["exp"]),
                session_id=UUID(claims["sid"]) if "sid" in claims else None,
            )
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise Unauthenticated("The access token is not valid. Log in again.") from error


class Notes(Protocol):
    """Where refusals are noted (``app.state.notes``); no request waits for it."""

    def denied(self, caller: Caller, permission: str, request: Request) -> None: ...


class Keys(Protocol):
    """Knows API keys (``app.state.keys``)."""

    async def verify(self, key: str) -> Caller: ...


class Guard:
    """Base of the dependencies that let only callers with a permission pass; ``access`` looks for it."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def admit(self, request: Request) -> Caller:
        """Raises Unauthenticated or Forbidden."""
        caller = await identify(request)
        if self.permission not in caller.permissions:
            raise lacks(request, caller, self.permission)
        return caller


def lacks(request: Request, caller: Caller, permission: Permission) -> Forbidden:
    """The refusal of a caller without the permission, which is noted."""
    notes: Notes = request.app.state.notes
    notes.denied(caller, permission, request)
    who = "This API key" if caller.api_key_id else f"The role {caller.role}"
    return Forbidden(f"{who} has no permission {permission}.")


class Needs(Guard):
    """The caller, if allowed: ``Annotated[Caller, Depends(Needs("analytics:read"))]``."""

    async def __call__(self, request: Request) -> Caller:
        return await self.admit(request)


class NeedsPerson(Guard):
    """The caller, if allowed and logged in; not an API key."""

    async def __call__(self, request: Request) -> Caller:
        caller = await self.admit(request)
        if caller.api_key_id is not None:
            raise NotByKey
        return caller


async def identify(request: Request) -> Caller:
    """The caller by bearer token or API key, else by cookie. Raises Unauthenticated or CrossSiteRequest."""
    known: Caller | None = getattr(request.state, "caller", None)
    return known or await identify_by(request.scope, dict(request.scope["headers"]))


async def identify_by(scope: Scope, headers: Mapping[bytes, bytes]) -> Caller:
    """The same for who has the headers at hand; remembered for ``identify``."""
    tokens: Tokens = scope["app"].state.tokens
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise Unauthenticated("Send the access token as 'Authorization: Bearer …'.")
        token = token.strip()
        caller = await _by_key(scope, token) if token.startswith(KEY_START) else tokens.verify(token)
    elif (key := headers.get(b"x-api-key")) is not None:
        caller = await _by_key(scope, key.decode("latin-1").strip())
    else:
        cookie = cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)
        if not cookie:
            raise Unauthenticated
        if scope["method"] not in _SAFE_METHODS and b"x-requested-with" not in headers:
            raise CrossSiteRequest
        caller = replace(tokens.verify(cookie), by_cookie=True)
    scope.setdefault("state", {})["caller"] = caller
    return caller


async def _by_key(scope: Scope, key: str) -> Caller:
    keys: Keys = scope["app"].state.keys
    return await keys.verify(key)
