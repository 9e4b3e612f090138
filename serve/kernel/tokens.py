"""Access tokens: signed, verified, and void once what they say is no longer so."""

from __future__ import annotations

import base64
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serve.kernel.caller import Caller, TokenStale
from serve.kernel.errors import Unauthenticated
from serve.kernel.permissions import permissions_of

CACHE_SIZE = 10_000
CACHE_S = 60.0
_ISSUER = "throughline"


class Tokens:
    """Signs access tokens (EdDSA) and verifies them.

    A verified token is remembered for at most a minute, because the signature costs more than the rest of a short
    request. Its expiry and its revocation are looked at every time. Revocations are known until the last token that
    they concern has expired; those of other processes come by ``void``, within a second.
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
        self._void: dict[
            tuple[object, ...], float
        ] = {}  # whose tokens from before which moment count no more

    def issue(
        self,
        user_id: UUID,
        *,
        email: str,
        tenant_id: UUID,
        tenant_ids: Sequence[UUID],
        role: str,
        session_id: UUID | None = None,
        own_permissions: Sequence[str] | None = None,
        methods: Sequence[str] = (),
        authenticated_at_s: float | None = None,
        issued_at_s: float | None = None,
        ends_at_s: float | None = None,
        only: str | None = None,
        impersonator_id: UUID | None = None,
        cause: UUID | None = None,
    ) -> tuple[str, int]:
        """A token and the second (Unix time) at which it ends.

        ``own_permissions`` are those of a role that is not built in, ``issued_at_s`` the database's moment at which all
        this was so, ``ends_at_s`` an end before the usual one.
        """
        now = self._clock()
        ends = int(now) + self.life_s if ends_at_s is None else min(int(ends_at_s), int(now) + self.life_s)
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "sub": str(user_id),
            "email": email,
            "tenant": str(tenant_id),
            "tenants": [str(each) for each in tenant_ids],
            "role": role,
            "iat": now if issued_at_s is None else issued_at_s,
            "exp": ends,
            "jti": secrets.token_urlsafe(12),
            "amr": list(methods),
            "auth_time": now if authenticated_at_s is None else authenticated_at_s,
        }
        more = {
            "sid": session_id and str(session_id),
            "perms": None if own_permissions is None else list(own_permissions),
            "only": only,
            "act": impersonator_id and {"sub": str(impersonator_id)},
            "cause": cause and str(cause),
        }
        claims |= {name: value for name, value in more.items() if value is not None}
        return jwt.encode(claims, self._private, algorithm="EdDSA"), ends

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
        if self._void and self._is_void(caller):
            raise TokenStale
        return caller

    def revoke(self, *ended: str | UUID) -> None:
        """Refuse these tokens (by their id) and all tokens of these sessions from now on."""
        now = self._clock()
        self._revoked = {each: end for each, end in self._revoked.items() if end > now}
        self._revoked |= dict.fromkeys(ended, now + self.life_s)

    def void(
        self,
        revoked_at_s: float,
        *,
        user_id: UUID | None = None,
        tenant_id: UUID | None = None,
        role: str | None = None,
        session_id: UUID | None = None,
    ) -> None:
        """Refuse tokens from before then: of the session, of the person (in that tenant, or all), or of the role."""
        oldest = self._clock() - self.life_s
        self._void = {key: at for key, at in self._void.items() if at > oldest}
        key = (tenant_id, role) if role is not None else (session_id or user_id, tenant_id)
        self._void[key] = max(revoked_at_s, self._void.get(key, 0.0))

    def _is_void(self, caller: Caller) -> bool:
        subjects = (
            *((caller.user_id, None), (caller.user_id, caller.tenant_id), (caller.tenant_id, caller.role)),
            *((caller.impersonator_id, None), (caller.impersonator_id, caller.tenant_id)),
            (caller.session_id, None),
        )
        return any(self._void.get(each, 0.0) > caller.issued_at_s for each in subjects)

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
            only = claims.get("only")
            return Caller(
                user_id=UUID(claims["sub"]),
                email=claims["email"],
                tenant_id=UUID(claims["tenant"]),
                role=claims["role"],
                permissions=permissions_of(claims["role"], claims.get("perms"), only=only),
                tenant_ids=tuple(UUID(each) for each in claims["tenants"]),
                token_id=claims["jti"],
                expires_at_s=int(claims["exp"]),
                session_id=UUID(claims["sid"]) if "sid" in claims else None,
                methods=tuple(claims.get("amr", ())),
                authenticated_at_s=float(claims.get("auth_time", 0)),
                only=only,
                impersonator_id=UUID(claims["act"]["sub"]) if "act" in claims else None,
                cause=UUID(claims["cause"]) if "cause" in claims else None,
                issued_at_s=float(claims.get("iat", 0)),
            )
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as error:
            raise Unauthenticated("The access token is not valid. Log in again.") from error
