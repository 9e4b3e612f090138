"""Who is calling, and the permission that a route needs."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from fastapi import Request
from starlette.requests import cookie_parser
from starlette.types import Scope

from serve.kernel.errors import Forbidden, Unauthenticated
from serve.kernel.permissions import Only, Permission

COOKIE = "throughline_access"
KEY_START = "tl_"
NEVER_S = 253_402_300_799  # the end of the year 9999
RECENT_S = 900.0
BY_PROVIDER = frozenset({"oidc", "saml"})
"""Methods by which a tenant's identity provider says who somebody is."""
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


class TokenStale(Unauthenticated):
    """The client refreshes it, and learns what it may do now."""

    code, message = "TOKEN_STALE", "What this account may do has changed. Refresh the token, or log in again."


class StepUpNeeded(Unauthenticated):
    """A session that is open on somebody's desk is not enough for this."""

    code, message = (
        "STEP_UP_NEEDED",
        "Prove once more who you are: POST /api/v1/auth/step-up, then try again.",
    )


class LimitedToken(Forbidden):
    """A token of an app, of a customer, of somebody looking with other eyes: it was given for something else."""

    code, message = "LIMITED_TOKEN", "A token of this kind cannot do this. Log in with e-mail and password."


PEOPLE_ALONE = (NotByKey, LimitedToken)
"""How ``NeedsPerson`` refuses."""

PROOF = (*PEOPLE_ALONE, StepUpNeeded)
"""How ``NeedsRecent`` refuses."""


class EnrolmentNeeded(Forbidden):
    """The tenant asks for a second factor, and the person has none yet."""

    code, message = (
        "ENROLMENT_NEEDED",
        "Set up a second factor first: POST /api/v1/auth/factors/totp or /api/v1/auth/passkeys/options. Then refresh.",
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, or a key acting for one, at work for one tenant.

    ``tenant_ids`` are the tenants whose rows may be read. ``methods`` are how the person proved who they are, last at
    ``authenticated_at_s``. ``only`` is what the token is good for, None for everything. ``impersonator_id`` is who
    looks with this person's eyes, and ``cause`` the elevation or impersonation that this is done under.
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
    methods: tuple[str, ...] = ()
    authenticated_at_s: float = 0.0
    only: str | None = None
    impersonator_id: UUID | None = None
    cause: UUID | None = None
    issued_at_s: float = 0.0

    @property
    def is_recent(self) -> bool:
        """Whether the person has proved who they are a moment ago."""
        return time.time() - self.authenticated_at_s <= RECENT_S

    @property
    def actor(self) -> str:
        """As events name who acts."""
        return (
            f"api_key:{self.api_key_id}"
            if self.api_key_id
            else f"user:{self.impersonator_id or self.user_id}"
        )


class Verifier(Protocol):
    """Knows access tokens (``app.state.tokens``)."""

    def verify(self, token: str) -> Caller: ...


class Notes(Protocol):
    """Where refusals are noted (``app.state.notes``); no request waits for it."""

    def denied(self, caller: Caller, permission: str, request: Request) -> None: ...


class Keys(Protocol):
    """Knows API keys (``app.state.keys``)."""

    async def verify(self, key: str) -> Caller: ...


class Standing(Protocol):
    """Knows which tenants stand still and which belong together (``app.state.standings``)."""

    def check(self, caller: Caller, call: str = "") -> None: ...
    def within(self, caller: Caller) -> Caller: ...


class Proofs(Protocol):
    """Knows who has a second factor (``app.state.proofs``)."""

    async def are_enough(self, caller: Caller) -> bool: ...


class Lacks(Forbidden):
    """The caller has not the permission; that is noted, so that somebody can ask why."""

    def __init__(self, caller: Caller, permission: Permission, message: str | None = None) -> None:
        who = "This API key" if caller.api_key_id else f"The role {caller.role}"
        super().__init__(message or f"{who} has no permission {permission}.")
        self.caller, self.permission = caller, permission

    def note(self, request: Request) -> None:
        notes: Notes = request.app.state.notes
        notes.denied(self.caller, self.permission, request)


class Guard:
    """Base of the dependencies that let only callers with a permission pass; ``access`` looks for it."""

    also: frozenset[Only] = frozenset()
    """Tokens that were given for something else and pass all the same."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def admit(self, request: Request) -> Caller:
        """Raises Unauthenticated or Forbidden."""
        caller = await identify(request)
        standings: Standing = request.app.state.standings
        standings.check(caller, f"{request.method} {request.scope['route'].path_format}")
        if caller.only == "enrolment" and "enrolment" not in self.also:
            raise EnrolmentNeeded
        if self.permission not in caller.permissions:
            raise Lacks(caller, self.permission)
        return caller


class Needs(Guard):
    """The caller, if allowed: ``Annotated[Caller, Depends(Needs("analytics:read"))]``."""

    async def __call__(self, request: Request) -> Caller:
        return await self.admit(request)


class NeedsPerson(Guard):
    """The caller, if allowed and logged in; not an API key.

    Nor a token that was given for something else, unless it is one of ``also``: what a person does with their account
    is not for an app on a phone, nor for who looks with their eyes.
    """

    def __init__(self, permission: Permission, *, also: Collection[Only] = ()) -> None:
        super().__init__(permission)
        self.also = frozenset(also)

    async def __call__(self, request: Request) -> Caller:
        caller = await self.admit(request)
        await self.check(request, caller)
        return caller

    async def check(self, request: Request, caller: Caller) -> None:
        """Of who has the permission: for a call whose body says whether that is enough."""
        if caller.api_key_id is not None:
            raise NotByKey
        if caller.only is not None and caller.only not in self.also:
            raise LimitedToken


class NeedsRecent(NeedsPerson):
    """The caller, who has just proved who they are; with a second factor, if they have one.

    What is about the account itself, in all of its tenants, takes a proof of the account's own: the word of one
    tenant's identity provider is not enough, or that provider could make itself a way into the others.
    ``in_tenant`` says that it is about this tenant alone, whatever the permission.
    """

    def __init__(
        self, permission: Permission, *, also: Collection[Only] = (), in_tenant: bool = False
    ) -> None:
        super().__init__(permission, also=also)
        self.of_account = permission == "self:write" and not in_tenant

    async def check(self, request: Request, caller: Caller) -> None:
        await super().check(request, caller)
        if self.of_account and caller.methods and BY_PROVIDER.issuperset(caller.methods):
            raise StepUpNeeded
        proofs: Proofs = request.app.state.proofs
        if not caller.is_recent or not await proofs.are_enough(caller):
            raise StepUpNeeded


async def identify(request: Request) -> Caller:
    """The caller by bearer token or API key, else by cookie. Raises Unauthenticated or CrossSiteRequest."""
    known: Caller | None = getattr(request.state, "caller", None)
    return known or await identify_by(request.scope, dict(request.scope["headers"]))


async def identify_by(scope: Scope, headers: Mapping[bytes, bytes]) -> Caller:
    """The same for who has the headers at hand; remembered for ``identify``."""
    tokens: Verifier = scope["app"].state.tokens
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
    standings: Standing = scope["app"].state.standings
    caller = standings.within(caller)
    scope.setdefault("state", {})["caller"] = caller
    return caller


async def _by_key(scope: Scope, key: str) -> Caller:
    keys: Keys = scope["app"].state.keys
    return await keys.verify(key)
