"""Signing in with a passkey, in a browser and on a phone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Request, Response
from pydantic import BeforeValidator, Field

from serve.identity.auth.endpoints import session_answer
from serve.identity.auth.errors import NoMembership, TooManyAttempts, WrongCredentials
from serve.identity.auth.schemas import LoginRequest, SessionRead
from serve.identity.auth.service import Client, Granted, Login
from serve.identity.factors.errors import SecondFactorNeeded, TooManyCodes, WrongCode
from serve.identity.passkeys import service
from serve.identity.passkeys.errors import PasskeyCopied, PasskeyRefused
from serve.identity.passkeys.party import RelyingParty
from serve.identity.passkeys.schemas import Assertion, PasskeySignIn, RequestOptions
from serve.identity.sessions.service import Kind
from serve.kernel.db import Database, DatabaseUnavailable
from serve.kernel.envelope import Input, Meta, Success, success
from serve.kernel.errors import Invalid, Malformed, Problem, UnsupportedMediaType, problems
from serve.kernel.resources.schemas import Line
from serve.kernel.routing import area_router

router = area_router(tags=["passkeys"])
_BODY = (DatabaseUnavailable, Malformed, UnsupportedMediaType)
_NEVER_TAKEN = (
    "is not taken: fingerprints, faces, voices and their templates never leave the device, and are never stored here."
    " Send the passkey's answer (a WebAuthn assertion), which the device gives once it knows its person"
)
_PARTS = {"id", "raw_id", "type", "authenticator_attachment", "client_extension_results", "response"} | {
    *("rawId", "authenticatorAttachment", "clientExtensionResults"),
}


def _is_no_biometric(data: Any) -> Any:
    """Whatever is not of an assertion is named for what it is, not merely as unknown."""
    if isinstance(data, dict) and (foreign := sorted({*data} - _PARTS)):
        raise ValueError(f"{', '.join(foreign)[:200]}: {_NEVER_TAKEN}")
    if data is not None and not isinstance(data, dict):
        raise ValueError(_NEVER_TAKEN)
    return data


class DeviceInfo(Input):
    """Which device it is, as its app says; it stands in the list of the person's sessions."""

    platform: Line | None = Field(None, max_length=50, examples=["android"])
    model: Line | None = Field(None, max_length=100, examples=["Pixel 9"])
    os_version: Line | None = Field(None, max_length=50, examples=["16"])
    app_version: Line | None = Field(None, max_length=50, examples=["4.2.0"])

    def words(self) -> str:
        return " ".join(filter(None, (self.platform, self.os_version, self.model, self.app_version)))


class BiometricSignIn(Input):
    auth_type: Literal["passkey", "fallback"] = Field(
        description="`passkey`: the device has recognised its person and answers for them; `fallback`: e-mail, password"
        " and code.",
        examples=["fallback"],
    )
    biometric_data: Annotated[Assertion | None, BeforeValidator(_is_no_biometric)] = Field(
        None,
        description="With `passkey`: the assertion for options of `/api/v1/auth/passkeys/login/options`. No biometric"
        " feature is ever taken.",
        examples=[None],
    )
    device_info: DeviceInfo = Field(default_factory=DeviceInfo)
    email: Line | None = Field(
        None, min_length=3, max_length=254, description="With `fallback`.", examples=["owner@example.com"]
    )
    password: str | None = Field(
        None,
        min_length=1,
        max_length=1024,
        description="With `fallback`.",
        examples=["correct horse battery staple"],
    )
    code: Line | None = Field(
        None,
        min_length=6,
        max_length=100,
        description="With `fallback` and a second factor: what the app shows now, or a recovery code.",
        examples=[None],
    )
    tenant: Line | None = Field(
        None,
        max_length=100,
        description="Slug or id of the tenant to work for; else the first membership.",
        examples=[None],
    )


@router.post(
    "/api/v1/auth/passkeys/login/options",
    response_model=Success[RequestOptions, Meta],
    responses=problems(DatabaseUnavailable),
    name="passkeys.log_in_options",
)
async def log_in_options(request: Request) -> Response:
    """What a device needs to sign in or to step up with a passkey: valid once, for five minutes.

    Give it to `PublicKeyCredential.parseRequestOptionsFromJSON`. The same for everybody: nobody says who they are
    before the passkey does.
    """
    database: Database = request.app.state.database
    async with database.transaction() as db:
        options = await service.request_options(db, request.app.state.relying_party)
    return Response(success(options, {}), 200, {"Cache-Control": "no-store"}, "application/json")


@router.post(
    "/api/v1/auth/passkeys/login",
    response_model=Success[SessionRead, Meta],
    responses=problems(PasskeyRefused, PasskeyCopied, NoMembership, *_BODY),
    name="passkeys.log_in",
)
async def log_in(request: Request, asked: PasskeySignIn) -> Response:
    """Sign in with a passkey: it is two factors by itself, so nothing else is asked."""
    granted = await _enter(request, asked.credential, asked.tenant, Client.of(request), "web")
    return session_answer(request, granted)


@router.post(
    "/api/v1/mobile/biometric/auth",
    response_model=Success[SessionRead, Meta],
    responses=problems(
        *(PasskeyRefused, PasskeyCopied, WrongCredentials, SecondFactorNeeded, WrongCode, TooManyCodes),
        *(TooManyAttempts, NoMembership, *_BODY),
    ),
    name="mobile.biometric_log_in",
)
async def log_in_by_biometric(request: Request, asked: BiometricSignIn) -> Response:
    """Sign in on a phone that has recognised its person; the token is good for what the app does, and no more.

    The device compares fingerprint or face by itself and answers with its passkey. Biometric features are refused.
    """
    login: Login = request.app.state.login
    client = Client.of(request)
    if words := asked.device_info.words():
        client = client.named(words)
    if asked.auth_type == "passkey":
        if asked.biometric_data is None:
            raise Invalid(details=[("biometric_data", "is needed with the passkey's answer")])
        granted = await _enter(request, asked.biometric_data, asked.tenant, client, "mobile")
    else:
        if missing := [name for name in ("email", "password") if getattr(asked, name) is None]:
            raise Invalid(details=[(name, "is needed with fallback") for name in missing])
        entering = LoginRequest(
            email=asked.email or "", password=asked.password or "", code=asked.code, tenant=asked.tenant
        )
        granted = await login.enter(entering, client, kind="mobile")
    return session_answer(request, granted)


async def _enter(
    request: Request, credential: Assertion, tenant: str | None, client: Client, kind: Kind
) -> Granted:
    """A session for whose passkey this is. Raises PasskeyRefused, PasskeyCopied, Unauthenticated or NoMembership.

    What was shown is spent before anything else is asked: else it would be good for one more try at another tenant.
    """
    login: Login = request.app.state.login
    party: RelyingParty = request.app.state.relying_party
    async with login.database.transaction() as db:
        owner = await service.prove(db, party, credential, client, kind=kind)
    if isinstance(owner, Problem):
        raise owner
    async with login.database.transaction() as db:
        return await login.open(db, owner, tenant, client, methods=("passkey",), kind=kind)
