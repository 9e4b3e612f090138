"""Proving once more who one is, in a session that is open: risky things ask for it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import Field

from serve.identity.auth.endpoints import session_answer
from serve.identity.auth.errors import SessionEnded, TooManyAttempts, WrongPassword
from serve.identity.auth.notes import Note, record
from serve.identity.auth.people import active_user
from serve.identity.auth.schemas import SessionRead
from serve.identity.auth.service import Client, Granted, Login
from serve.identity.factors import service as factors
from serve.identity.factors.errors import SecondFactorNeeded, TooManyCodes, WrongCode
from serve.identity.factors.schemas import Code
from serve.identity.passkeys import service as passkeys
from serve.identity.passkeys.errors import PasskeyCopied, PasskeyRefused
from serve.identity.passkeys.party import RelyingParty
from serve.identity.passkeys.schemas import Assertion
from serve.kernel.caller import PEOPLE_ALONE, Caller, CrossSiteRequest, NeedsPerson
from serve.kernel.db import DatabaseUnavailable, Transaction
from serve.kernel.envelope import Input, Meta, Success
from serve.kernel.errors import Invalid, Malformed, Problem, UnsupportedMediaType, problems
from serve.kernel.risk import acts
from serve.kernel.routing import area_router

router = area_router(tags=["second factors"])
Person = Annotated[Caller, Depends(NeedsPerson("self:read", also=("enrolment",)))]


class StepUp(Input):
    """One of these: with a second factor a code or a passkey, else the password."""

    password: str | None = Field(
        None, min_length=1, max_length=1024, examples=["correct horse battery staple"]
    )
    code: Code | None = Field(
        None, description="Of the authenticator app, or a recovery code.", examples=[None]
    )
    credential: Assertion | None = Field(
        None, description="For options of `/api/v1/auth/passkeys/login/options`.", examples=[None]
    )


@router.post(
    "/api/v1/auth/step-up",
    response_model=Success[SessionRead, Meta],
    responses=problems(
        *(WrongPassword, SecondFactorNeeded, WrongCode, TooManyCodes, TooManyAttempts, PasskeyRefused),
        *(PasskeyCopied, SessionEnded, CrossSiteRequest, *PEOPLE_ALONE, DatabaseUnavailable),
        *(Malformed, UnsupportedMediaType),
    ),
    name="auth.step_up",
    **acts(left_out="asks who it is"),
)
async def step_up(request: Request, caller: Person, asked: StepUp) -> Response:
    """Prove once more who you are, so that risky calls are open to you for fifteen minutes.

    Send one of password, code and credential; with a second factor the password alone is not enough. The answer has a
    new access token, and those from before count no more. It has the next refresh token too, as at
    `/api/v1/auth/refresh`: the one that you had is spent.
    """
    login: Login = request.app.state.login
    granted = await prove_again(login, request.app.state.relying_party, caller, asked, Client.of(request))
    await request.app.state.revocations.look()  # here at once; elsewhere within a second
    return session_answer(request, granted, by_cookie=caller.by_cookie)


async def prove_again(
    login: Login, party: RelyingParty, caller: Caller, asked: StepUp, client: Client
) -> Granted:
    """Raises what the endpoint says."""
    if (asked.password, asked.code, asked.credential).count(None) != 2:
        raise Invalid(details=[("password", "is needed, or code, or credential: one of them")])
    if caller.session_id is None:
        raise SessionEnded
    if asked.password is not None:
        await _check_password(login, caller, asked.password, client)
    elif asked.code is not None:
        await login.attempts.count(client.address, caller.email.lower())
    async with login.database.transaction(caller, request_id=client.request_id) as db:
        method = await _shown(db, party, asked, client)
        if not isinstance(method, Problem):
            came_in = partial(login.attempts.succeeded, client.address, caller.email.lower())
            db.afterwards.append(came_in)
            await db.execute("select auth_prove_again($1, $2)", caller.session_id, [method])
            detail = {"method": method}
            await record(db, Note(caller.user_id, None, "step_up.succeeded", detail, client.request_id))
            return await login.go_on(db, caller, renewed=True)
        if isinstance(method, WrongCode | TooManyCodes):
            await record(db, Note(caller.user_id, None, "code.refused", {}, client.request_id))
    raise method


async def _shown(db: Transaction, party: RelyingParty, asked: StepUp, client: Client) -> str | Problem:
    """By what the caller has proved who they are, or why not."""
    user_id = db.caller.user_id
    if asked.credential is not None:
        owner = await passkeys.prove(db, party, asked.credential, client, user_id=user_id)
        return owner if isinstance(owner, Problem) else "passkey"
    if asked.code is not None:
        return await factors.check(db, user_id, asked.code, client.request_id)
    ways = await factors.needed(db, user_id)
    return SecondFactorNeeded(ways) if ways else "password"


async def _check_password(login: Login, caller: Caller, password: str, client: Client) -> None:
    """Wrong guesses count like failed log-ins. Raises TooManyAttempts or WrongPassword."""
    async with login.database.transaction(caller) as db:
        user = await active_user(db, caller.user_id)
    await login.attempts.count(client.address, caller.email.lower())
    if not await login.passwords.matches(user["password_hash"], password):
        login.notes.take(Note(caller.user_id, None, "password.refused", {}, client.request_id), caller)
        raise WrongPassword(details=[("password", "is not right")])
