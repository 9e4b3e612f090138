"""Changing one's own name, e-mail and password."""

from __future__ import annotations

from collections.abc import Collection

from serve.identity.accounts.passwords import check_new_password, void_links
from serve.identity.accounts.service import Accounts, tell_password_changed
from serve.identity.auth.errors import WrongPassword
from serve.identity.auth.notes import Note, record
from serve.identity.auth.people import Person, active_user, who
from serve.identity.auth.schemas import MeChange
from serve.identity.auth.service import Client, Login
from serve.identity.factors import service as factors
from serve.identity.sessions import service as sessions
from serve.kernel.caller import Caller
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid


async def change(login: Login, accounts: Accounts, caller: Caller, asked: MeChange, client: Client) -> Person:
    """Raises Invalid, TooManyAttempts, StepUpNeeded or WrongPassword.

    Passwords are hashed outside the transaction: that takes long, and would hold a connection.
    """
    if asked.email is not None or asked.password is not None:
        await _check_password(login, caller, asked.current_password, client)
    password_hash = None
    if asked.password is not None:
        await check_new_password(login.database, caller.user_id, asked.password)
        password_hash = await login.passwords.hash(asked.password)
    async with login.database.transaction(caller, request_id=client.request_id) as db:
        before = await who(db, caller)
        await db.execute(
            "select auth_change_user($1, $2, null, $3)", caller.user_id, asked.full_name, password_hash
        )
        own = asked.model_dump(include={"phone", "job_title"}, exclude_unset=True)
        if own:
            await db.execute("select auth_change_profile($1, $2)", caller.user_id, own)
        ended = []
        if password_hash is not None:
            await void_links(db, caller.user_id)
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
            await tell_password_changed(db, await active_user(db, caller.user_id), client)
        after = await who(db, caller)
        if asked.email not in (None, before.email):
            await accounts.ask_new_address(db, caller.user_id, asked.email, client)
        await _record_changes(db, caller, before, after, own, client)
    login.tokens.revoke(*ended)
    return after


async def _check_password(login: Login, caller: Caller, password: str | None, client: Client) -> None:
    """Wrong guesses count like failed log-ins."""
    if password is None:
        raise Invalid(details=[("current_password", "is needed to change e-mail or password")])
    async with login.database.transaction(caller) as db:
        user = await active_user(db, caller.user_id)
        await factors.require_recent(db, caller)
    account = user["email"].lower()
    await login.attempts.count(client.address, account)
    if not await login.passwords.matches(user["password_hash"], password):
        login.notes.take(Note(caller.user_id, None, "password.refused", {}, client.request_id), caller)
        raise WrongPassword(details=[("current_password", "is not right")])
    await login.attempts.succeeded(client.address, account)


async def _record_changes(
    db: Transaction, caller: Caller, before: Person, after: Person, own: Collection[str], client: Client
) -> None:
    """Which fields, not what is in them: those are about a person."""
    changed = ["full_name"] if before.full_name != after.full_name else []
    changed += sorted(own)
    if changed:
        await record(
            db, Note(caller.user_id, None, "profile.changed", {"fields": changed}, client.request_id)
        )
