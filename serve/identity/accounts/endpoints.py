"""Sign-up, the way back to an account, and the two other doors: the app on a phone, and customers."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response

from serve.identity.accounts.errors import LinkNotFound, LinkOver, RegistrationClosed
from serve.identity.accounts.schemas import (
    CustomerCodeRequest,
    CustomerLogin,
    EmailConfirmed,
    EmailRequest,
    MailOnItsWay,
    MobileLogin,
    PasswordReset,
    RegisterRequest,
    ResetRequest,
    TokenRequest,
)
from serve.identity.accounts.service import Accounts
from serve.identity.auth.endpoints import session_answer
from serve.identity.auth.errors import EmailTaken, NoMembership, TooManyAttempts, WrongCredentials
from serve.identity.auth.schemas import SessionRead
from serve.identity.auth.service import Client
from serve.identity.factors.errors import SecondFactorNeeded, TooManyCodes, WrongCode
from serve.kernel.db import DatabaseUnavailable
from serve.kernel.envelope import Meta, Success, success
from serve.kernel.errors import Malformed, UnsupportedMediaType, problems
from serve.kernel.resources.errors import Duplicate
from serve.kernel.routing import area_router

router = area_router(tags=["auth"])
_BODY = (TooManyAttempts, DatabaseUnavailable, Malformed, UnsupportedMediaType)
_COMING_IN = (WrongCredentials, SecondFactorNeeded, WrongCode, TooManyCodes, NoMembership)


@router.post(
    "/api/v1/auth/register",
    status_code=202,
    response_model=Success[MailOnItsWay, Meta],
    responses=problems(RegistrationClosed, *_BODY),
    name="auth.register",
)
async def register(request: Request, asked: RegisterRequest) -> Response:
    """Make an account and a company: a mail with a link goes to the address, and what it opens begins both.

    The answer is the same when there is an account already; then the mail says so.
    """
    works_until = await _accounts(request).register(asked, Client.of(request))
    return _on_its_way(asked.email, works_until)


@router.post(
    "/api/v1/auth/confirm-registration",
    status_code=201,
    response_model=Success[SessionRead, Meta],
    responses=problems(LinkNotFound, LinkOver, EmailTaken, Duplicate, *_BODY),
    name="auth.confirm_registration",
)
async def confirm_registration(request: Request, asked: TokenRequest) -> Response:
    """The account and its company begin, with a first session. The link works once."""
    granted = await _accounts(request).confirm_registration(asked.token, Client.of(request))
    response = session_answer(request, granted)
    response.status_code = 201
    return response


@router.post(
    "/api/v1/auth/confirm-email",
    response_model=Success[EmailConfirmed, Meta],
    responses=problems(LinkNotFound, LinkOver, *_BODY),
    name="auth.confirm_email",
)
async def confirm_email(request: Request, asked: TokenRequest) -> Response:
    """A new address is that of the account once the link that went to it was opened. The one of before is told."""
    return _private({"email": await _accounts(request).confirm_email(asked.token, Client.of(request))})


@router.post(
    "/api/v1/auth/forgot-password",
    status_code=202,
    response_model=Success[MailOnItsWay, Meta],
    responses=problems(*_BODY),
    name="auth.forgot_password",
)
async def forgot_password(request: Request, asked: EmailRequest) -> Response:
    """Ask for a link to set a new password. The answer is the same whether or not there is such an account."""
    return _on_its_way(asked.email, await _accounts(request).forgot(asked.email, Client.of(request)))


@router.post(
    "/api/v1/auth/reset-password",
    response_model=Success[PasswordReset, Meta],
    responses=problems(LinkNotFound, LinkOver, *_BODY),
    name="auth.reset_password",
)
async def reset_password(request: Request, asked: ResetRequest) -> Response:
    """Set a new password by the link of the mail. All sessions of the account end; log in anew."""
    ended = await _accounts(request).reset(asked, Client.of(request))
    return _private({"reset": True, "ended_sessions": ended})


@router.post(
    "/api/v1/mobile/auth",
    response_model=Success[SessionRead, Meta],
    responses=problems(*_COMING_IN, *_BODY),
    name="auth.log_in_mobile",
)
async def log_in_mobile(request: Request, asked: MobileLogin) -> Response:
    """Sign in from the app: its tokens are good for work on the road, and for nothing of administration."""
    client = Client.of(request)
    if asked.device is not None:
        parts = asked.device.model_dump(exclude_none=True).values()
        client = client.named("; ".join(map(str, parts)))
    return session_answer(request, await _accounts(request).login.enter(asked, client, kind="mobile"))


@router.post(
    "/api/v1/customer/auth/code",
    status_code=202,
    response_model=Success[MailOnItsWay, Meta],
    responses=problems(*_BODY),
    name="auth.send_customer_code",
)
async def send_customer_code(request: Request, asked: CustomerCodeRequest) -> Response:
    """Ask for a code by mail, as a customer of that company. The answer is the same for everybody."""
    return _on_its_way(asked.email, await _accounts(request).send_code(asked, Client.of(request)))


@router.post(
    "/api/v1/customer/auth",
    response_model=Success[SessionRead, Meta],
    responses=problems(*_COMING_IN, *_BODY),
    name="auth.log_in_customer",
)
async def log_in_customer(request: Request, asked: CustomerLogin) -> Response:
    """Sign in as a customer with the code of the mail, and the second factor of who has one.

    The tokens are good for the customer's own things alone.
    """
    return session_answer(request, await _accounts(request).enter_customer(asked, Client.of(request)))


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


def _on_its_way(email: str, works_until: datetime) -> Response:
    return _private({"email": email, "works_until": works_until}, status=202)


def _private(data: object, *, status: int = 200) -> Response:
    return Response(success(data, {}), status, {"Cache-Control": "no-store"}, "application/json")
