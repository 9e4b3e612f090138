"""Changing one's own name, e-mail and password."""

from __future__ import annotations

from asyncpg.exceptions import UniqueViolationError

from serve.identity.auth.errors import EmailTaken, WrongPassword
from serve.identity.auth.notes import Note, record
from serve.identity.auth.people import Person, active_user, who
from serve.identity.auth.schemas import MeChange
from serve.identity.auth.service import Client, Login
from serve.identity.sessions import service as sessions
from serve.kernel.caller import Caller
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current


async def change(login: Login, caller: Caller, asked: MeChange, client: Client) -> Person:
    """Raises Invalid, TooManyAttempts, WrongPassword or EmailTaken.

    Passwords are hashed outside the transaction: that takes long, and would hold a connection.
    """
    if asked.email is not None or asked.password is not None:
        await _check_password(login, caller, asked.current_password, client)
    password_hash = None
    if asked.password is not None:
        await _check_length(login, caller, asked.password)
        password_hash = await login.passwords.hash(asked.password)
    async with login.database.transaction(caller, request_id=client.request_id) as db:
        before = await who(db, caller)
        try:
            await db.execute(
                "select auth_change_user($1, $2, $3, $4)",
                *(caller.user_id, asked.full_name, asked.email, password_hash),
            )
        except UniqueViolationError as error:
            raise EmailTaken(details=[("email", "is taken already")]) from error
        ended = []
        if password_hash is not None:
            ended = await sessions.end_others(db, caller.user_id, kept=caller.session_id, because="password")
            await record(
                db,
                Note(
                    caller.user_id,
                    None,
                    "password.changed",
                    {"ended_sessions": len(ended)},
                    client.request_id,
                ),
            )
        after = await who(db, caller)
        await _record_changes(db, caller, before, after, client)
    login.tokens.revoke(*ended)
    return after


async def _check_length(login: Login, caller: Caller, password: str) -> None:
    """What the tenant asks of new passwords."""
    async with login.database.transaction(caller) as db:
        shortest = (await current(db, [CATEGORIES["security"]]))["security"].values.password_min_length
    if len(password) < shortest:
        raise Invalid(details=[("password", f"must have at least {shortest} characters")])


async def _check_password(login: Login, caller: Caller, password: str | None, client: Client) -> None:
    """Wrong guesses count like failed log-ins."""
    if password is None:
        raise Invalid(details=[("current_password", "is needed to change e-mail or password")])
    async with login.database.transaction(caller) as db:
        user = await active_user(db, caller.user_id)
    account = user["email"].lower()
    login.attempts.count(client.address, account)
    if not await login.passwords.matches(user["password_hash"], password):
        login.notes.take(Note(caller.user_id, None, "password.refused", {}, client.request_id), caller)
        raise WrongPassword(details=[("current_password", "is not right")])
    login.attempts.succeeded(client.address, account)


async def _record_changes(
    db: Transaction, caller: Caller, before: Person, after: Person, client: Client
) -> None:
    """Which fields, not what is in them: those are about a person."""
    changed = [name for name in ("full_name", "email") if getattr(before, name) != getattr(after, name)]
    if changed:
        await record(
            db, Note(caller.user_id, None, "profile.changed", {"fields": changed}, client.request_id)
        )
