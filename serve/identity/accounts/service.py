"""Sign-up and the way back. Whether there is an account of an address shows neither in an answer nor in its time.

What differs goes by mail: each call does the same statements, and one of them may be about nobody.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from serve.identity.account_mails.service import queue_account_mail
from serve.identity.account_tokens.service import (
    AccountToken,
    issue_token,
    look_at_token,
    spend_token,
    void_tokens,
)
from serve.identity.accounts import mails
from serve.identity.accounts.errors import LinkNotFound, LinkOver, RegistrationClosed
from serve.identity.accounts.passwords import SHORTEST, check_new_password, void_links
from serve.identity.accounts.rules import check_password
from serve.identity.accounts.schemas import (
    CustomerCodeRequest,
    CustomerLogin,
    RegisterRequest,
    ResetRequest,
)
from serve.identity.auth.errors import EmailTaken, TooManyAttempts, WrongCredentials
from serve.identity.auth.notes import Note, acts, record
from serve.identity.auth.people import account_of
from serve.identity.auth.service import Client, Granted, Login
from serve.identity.factors import service as factors
from serve.identity.factors.errors import SecondFactorNeeded
from serve.identity.sessions import service as sessions
from serve.identity.tenants.service import onboard
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Problem
from serve.kernel.ratelimit import RateLimit

REGISTRATION_LIFE = timedelta(days=1)
RESET_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(minutes=10)
_CUSTOMER = """
    select u.id, u.email, u.full_name, m.tenant_id, m.name as company from auth_user($1) u, auth_memberships(u.id) m
    where m.slug = $2 and m.role = 'customer' and u.is_active
"""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the calls share; ``links`` limits how often one address is written to."""

    login: Login
    public_url: str
    is_open: bool
    links: RateLimit

    async def register(self, asked: RegisterRequest, client: Client) -> datetime:
        """Keep what was sent until the address is confirmed: before, there is no account. The end of the link.

        Raises RegistrationClosed, Invalid or TooManyAttempts.
        """
        if not self.is_open:
            raise RegistrationClosed
        check_password(
            asked.password, shortest=SHORTEST, about=(asked.email, asked.full_name, asked.company.name)
        )
        self._count(asked.email, client)
        password_hash = await self.login.passwords.hash(asked.password)
        async with self.login.database.transaction() as db:
            known = await account_of(db, asked.email)
            detail = {
                "password_hash": password_hash,
                "full_name": asked.full_name,
                "company": asked.company.model_dump(),
            }
            token = await issue_token(
                db,
                "registration_known" if known else "registration",
                life=REGISTRATION_LIFE,
                email=asked.email,
                detail=detail,
            )
            name = known["full_name"] if known else asked.full_name
            values = {
                "name": name,
                "company": asked.company.name,
                "link": self._link("forgot" if known else "confirm", "" if known else token),
            }
            kind = mails.KNOWN if known else mails.CONFIRM
            address = known["email"] if known else asked.email
            await queue_account_mail(db, kind, to_address=address, to_name=name, values=values)
        return datetime.now(UTC) + REGISTRATION_LIFE

    async def confirm_registration(self, token: str, client: Client) -> Granted:
        """The account and its company, and a first session. Raises LinkNotFound, LinkOver, EmailTaken or Duplicate."""
        async with self.login.database.transaction() as db:
            found = await _spent(db, token, "registration")
            assert found.email is not None
            made = await db.fetch_one(
                "select auth_make_user($1, $2, $3, true) as id",
                *(found.email, found.detail["full_name"], found.detail["password_hash"]),
            )
            if made is None or made["id"] is None:
                raise EmailTaken  # another link of the same address was quicker
            user_id = UUID(made["id"])
            tenant_id = await onboard(db, **found.detail["company"], owner_user_id=user_id)
            return await self.login.open(
                db, user_id, str(tenant_id), client, methods=("password", "mail_link")
            )

    async def forgot(self, email: str, client: Client) -> datetime:
        """A link to whoever has the account; nothing to anybody else. The end of the link. Raises TooManyAttempts."""
        self._count(email, client)
        async with self.login.database.transaction() as db:
            user = await account_of(db, email)
            known = user if user is not None and user["is_active"] else None
            address = known["email"] if known else email
            await self._mail_link(db, known, address, mails.RESET, "reset", "password_reset", RESET_LIFE)
        return datetime.now(UTC) + RESET_LIFE

    async def reset(self, asked: ResetRequest, client: Client) -> int:
        """Set the password anew and end all sessions; how many. Raises LinkNotFound, LinkOver or Invalid.

        The password is looked at before the link is used up. A second factor stays what it is.
        """
        async with self.login.database.transaction() as db:
            link = await look_at_token(db, asked.token, "password_reset")
        await check_new_password(self.login.database, link and link.user_id, asked.password)
        password_hash = await self.login.passwords.hash(asked.password)
        async with self.login.database.transaction() as db:
            found = await _spent(db, asked.token, "password_reset")
            user = found.user_id and await db.fetch_one("select * from auth_user($1)", found.user_id)
            if not user or not user["is_active"]:
                raise LinkNotFound
            user_id, email = UUID(user["id"]), user["email"]
            if (found.email or "").lower() != email.lower():  # the account has another address by now
                raise LinkOver
            await void_links(db, user_id)
            await db.execute("select auth_change_user($1, null, null, $2)", user_id, password_hash)
            await db.execute("select auth_verify_email($1, $2)", user_id, email)
            ended = await sessions.end_others(db, user_id, kept=None, because="password")
            detail = {"ended_sessions": len(ended), "by": "link", "address": client.address}
            await record(db, Note(user_id, None, "password.changed", detail, client.request_id))
            await tell_password_changed(db, user, client)
        self.login.tokens.revoke(*ended)
        await self.login.attempts.start_anew(email.lower())
        return len(ended)

    async def ask_new_address(
        self, db: Transaction, user_id: UUID, email: str, client: Client, *, tenant_id: UUID | None = None
    ) -> None:
        """A link to the address that an account is to have; it counts once that was opened.

        The address that it has now is told: whoever took the account over does not read that. Whose address the new one
        is already hears of it too, and whoever asked does not. ``tenant_id`` is where an administrator
        asks, for somebody who belongs there alone. Raises TooManyAttempts.
        """
        self._count(email, client)
        known = await account_of(db, email)
        user = await db.fetch_one("select id, email, full_name from auth_user($1)", user_id)
        assert user is not None
        is_free = known is None or known["id"] == user["id"]
        await void_tokens(db, "email_confirmation", user_id=user_id)
        token = await issue_token(
            db,
            "email_confirmation" if is_free else "nobodys_email_confirmation",
            life=REGISTRATION_LIFE,
            user_id=user_id,
            tenant_id=tenant_id,
            email=email,
        )
        reader = user if is_free or known is None else known
        link = self._link("email" if is_free else "forgot", token if is_free else "")
        await queue_account_mail(
            db,
            mails.CONFIRM_CHANGE if is_free else mails.EMAIL_WANTED,
            to_address=email if is_free else reader["email"],
            to_name=reader["full_name"],
            values={"name": reader["full_name"], "link": link},
            user_id=UUID(reader["id"]),
        )
        await queue_account_mail(
            db,
            mails.CHANGE_ASKED,
            to_address=user["email"],
            to_name=user["full_name"],
            values={"name": user["full_name"], "moment": _moment(), "email": email},
            user_id=user_id,
        )

    async def confirm_email(self, token: str, client: Client) -> str:
        """The address is that of the account from now on; the one before is told. Raises LinkNotFound or LinkOver."""
        async with self.login.database.transaction(request_id=client.request_id) as db:
            found = await _spent(db, token, "email_confirmation")
            user = found.user_id and await db.fetch_one("select * from auth_user($1)", found.user_id)
            if not user or not found.email:
                raise LinkOver
            user_id = UUID(user["id"])
            tenants = await db.fetch("select tenant_id from auth_memberships($1)", user_id)
            if found.tenant_id and [each["tenant_id"] for each in tenants] != [str(found.tenant_id)]:
                raise LinkOver  # it is not that administrator's to change any more
            await acts(db, user_id)
            if found.email != user["email"]:
                await self._move(db, user, found.email, client)
            await db.execute("select auth_verify_email($1, $2)", user_id, found.email)
        return found.email

    async def _move(self, db: Transaction, user: Record, email: str, client: Client) -> None:
        """Raises LinkOver."""
        user_id = UUID(user["id"])
        try:
            async with db.attempt():
                await db.execute("select auth_change_user($1, null, $2, null)", user_id, email)
        except UniqueViolationError as error:  # somebody has begun with that address meanwhile
            raise LinkOver from error
        await record(db, Note(user_id, None, "profile.changed", {"fields": ["email"]}, client.request_id))
        values = {"name": user["full_name"], "moment": _moment(), "email": email}
        await queue_account_mail(  # whoever took the account over does not read the address of before
            db,
            mails.EMAIL_CHANGED,
            to_address=user["email"],
            to_name=user["full_name"],
            values=values,
            user_id=user_id,
        )

    async def send_code(self, asked: CustomerCodeRequest, client: Client) -> datetime:
        """A code to whoever is a customer of that company. The end of it. Raises TooManyAttempts."""
        self._count(asked.email, client)
        code = f"{secrets.randbelow(10**8):08d}"
        async with self.login.database.transaction() as db:
            customer = await _customer(db, asked)
            user_id = customer and UUID(customer["id"])
            if user_id is not None:
                await void_tokens(db, "customer_code", user_id=user_id)
            else:
                await void_tokens(db, "customer_code", subject_id=UUID(int=0))  # nobody's: the same work
            await issue_token(
                db,
                "customer_code" if customer else "nobodys_code",
                life=CODE_LIFE,
                user_id=user_id,
                email=asked.email,
                token=_code_of(asked, code),
            )
            values = {
                "name": customer["full_name"] if customer else "",
                "company": customer["company"] if customer else "",
                "code": code,
            }
            await queue_account_mail(
                db,
                mails.SIGN_IN_CODE,
                to_address=customer["email"] if customer else asked.email,
                values=values,
                tenant_id=customer and UUID(customer["tenant_id"]),
                user_id=user_id,
                to_nobody=customer is None,
            )
        return datetime.now(UTC) + CODE_LIFE

    async def enter_customer(self, asked: CustomerLogin, client: Client) -> Granted:
        """A session that is good for the customer's own things alone. The code of the mail is spent unless a second
        factor is needed and was not sent.

        Raises TooManyAttempts, WrongCredentials, SecondFactorNeeded, WrongCode or TooManyCodes.
        """
        account = f"{asked.tenant} {asked.email.lower()}"
        await self.login.attempts.count(client.address, account)
        async with self.login.database.transaction() as db:
            customer = await _customer(db, asked)
            found = await spend_token(db, _code_of(asked, asked.code), "customer_code")
            if found is None or found.state != "good" or found.user_id is None:
                known = customer and UUID(customer["id"])
                self.login.note_failure(known, account, client, "mail_code", "customer")
                raise WrongCredentials
            second = await factors.beside_password(db, found.user_id, asked.second_factor, client.request_id)
            if isinstance(second, SecondFactorNeeded):
                raise second
            if not isinstance(second, Problem):
                db.afterwards.append(partial(self.login.attempts.succeeded, client.address, account))
                return await self.login.open(
                    db,
                    found.user_id,
                    asked.tenant,
                    client,
                    methods=("mail_code", *second),
                    kind="customer",
                    role="customer",
                )
        self.login.note_wrong_code(found.user_id, asked.second_factor, client, "customer")
        raise second

    async def _mail_link(
        self,
        db: Transaction,
        user: Record | None,
        email: str,
        kind: str,
        word: str,
        purpose: str,
        life: timedelta,
    ) -> None:
        """The same statements with somebody and with nobody in them."""
        user_id = user and UUID(user["id"])
        token = await issue_token(
            db, purpose if user else f"nobodys_{purpose}", life=life, user_id=user_id, email=email
        )
        name = user["full_name"] if user else ""
        values = {"name": name, "link": self._link(word, token)}
        await queue_account_mail(
            db, kind, to_address=email, to_name=name, values=values, user_id=user_id, to_nobody=user is None
        )

    def _link(self, word: str, token: str) -> str:
        """Behind ``#``: no server on the way writes it down."""
        return f"{self.public_url}/account#{word}={token}"

    def _count(self, email: str, client: Client) -> None:
        """Nobody is written to without end, nor has an address everybody written to. Raises TooManyAttempts."""
        keys = (("to", email.lower()), ("from", client.address))
        if wait_s := max(self.links.wait_s(key) for key in keys):
            raise TooManyAttempts(
                "Too many mails were asked for. Wait a little.", headers={"Retry-After": str(wait_s)}
            )
        for key in keys:
            self.links.count(key)


async def tell_password_changed(db: Transaction, user: Record, client: Client) -> None:
    values = {"name": user["full_name"], "moment": _moment(), "address": client.address}
    await queue_account_mail(
        db,
        mails.PASSWORD_CHANGED,
        to_address=user["email"],
        to_name=user["full_name"],
        values=values,
        user_id=UUID(user["id"]),
    )


async def _spent(db: Transaction, token: str, purpose: str) -> AccountToken:
    found = await spend_token(db, token, purpose)
    if found is None:
        raise LinkNotFound
    if found.state != "good":
        raise LinkOver
    return found


async def _customer(db: Transaction, asked: CustomerCodeRequest) -> Record | None:
    """Whoever is a customer of that company under that address."""
    user = await account_of(db, asked.email)
    return await db.fetch_one(_CUSTOMER, user and user["id"], asked.tenant)


def _code_of(asked: CustomerCodeRequest, code: str) -> str:
    """What is hashed: a code opens one address at one company."""
    return f"{asked.tenant} {asked.email.lower()} {code}"


def _moment() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
