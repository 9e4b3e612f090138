"""Registering passkeys, and proving with one who one is.

A challenge is spent when something comes back for it, whatever that is, and a copied passkey is told of: so refusals
are given back here, and whoever calls ends the transaction first and raises then.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from serve.identity.auth.people import active_user
from serve.identity.auth.service import Client
from serve.identity.factors import service as factors
from serve.identity.factors.telling import tell
from serve.identity.passkeys import ceremony
from serve.identity.passkeys.ceremony import CHALLENGE_LIFE, NewPasskey, NotVerified
from serve.identity.passkeys.errors import (
    PasskeyCopied,
    PasskeyKnown,
    PasskeyNotFound,
    PasskeyNotValid,
    PasskeyRefused,
    TooManyPasskeys,
)
from serve.identity.passkeys.party import RelyingParty
from serve.identity.passkeys.schemas import Assertion, PasskeyNew
from serve.identity.sessions.service import Kind
from serve.identity.sign_ins.service import keep_sign_in
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Problem

log = logging.getLogger("throughline.security")
MOST = 20


@dataclass(frozen=True, slots=True)
class Registered:
    row: dict[str, Any]
    recovery_codes: list[str] | None


async def page(db: Transaction, user_id: UUID) -> list[dict[str, Any]]:
    return [_shown(row) for row in await _of(db, user_id)]


async def creation_options(db: Transaction, party: RelyingParty, user_id: UUID) -> dict[str, Any]:
    """Raises TooManyPasskeys."""
    known = await _of(db, user_id)
    if len(known) >= MOST:
        raise TooManyPasskeys
    user = await active_user(db, user_id)
    row = await db.fetch_one("select auth_passkey_handle($1, $2) as handle", user_id, secrets.token_bytes(32))
    assert row is not None
    return ceremony.creation_options(
        party,
        handle=row["handle"],
        email=user["email"],
        full_name=user["full_name"],
        challenge=await _challenge(db, user_id),
        known=known,
    )


async def request_options(db: Transaction, party: RelyingParty) -> dict[str, Any]:
    return ceremony.request_options(party, await _challenge(db, None))


async def register(
    db: Transaction, party: RelyingParty, asked: PasskeyNew, request_id: str
) -> Registered | Problem:
    """A passkey of the caller's. Refusals: PasskeyNotValid, PasskeyKnown, TooManyPasskeys."""
    user_id = db.caller.user_id
    try:
        challenge = ceremony.challenge_of(asked.credential)
        if await _spent(db, challenge) != [user_id]:
            raise NotVerified("a challenge that was not given, or not to this person, or is over")
        made = ceremony.registered(party, asked.credential, challenge)
    except NotVerified as error:
        log.info("a new passkey of user %s was refused: %s", user_id, error)
        return PasskeyNotValid(
            details=[("credential", "was not made for these options, this site and this person")]
        )
    before = await factors.in_turn(db, user_id)
    if before.passkey_count >= MOST:
        return TooManyPasskeys()
    passkey_id = await _keep(db, user_id, made, asked.name)
    if passkey_id is None:
        return PasskeyKnown()
    codes = await factors.added(db, before, request_id, kind="passkey", name=asked.name)
    return Registered(await get(db, user_id, passkey_id), codes)


async def prove(
    db: Transaction,
    party: RelyingParty,
    credential: Assertion,
    client: Client,
    *,
    user_id: UUID | None = None,
    kind: Kind = "web",
) -> UUID | Problem:
    """Whose passkey this is, and that they hold it now; ``user_id`` when it must be one of theirs.

    Refusals: PasskeyRefused, PasskeyCopied.
    """
    try:
        challenge = ceremony.challenge_of(credential)
        if await _spent(db, challenge) != [None]:
            raise NotVerified("a challenge that was not given for signing in, or is over")
        row = await db.fetch_one("select * from auth_passkey($1)", ceremony.decoded(credential.raw_id))
        if row is None:
            raise NotVerified("a passkey that nobody knows")
        owner = UUID(row["user_id"])
        if user_id not in (None, owner):
            raise NotVerified("somebody else's passkey")
        use = ceremony.used(party, credential, challenge, row)
    except NotVerified as error:
        log.info("a passkey was refused: %s", error)
        return PasskeyRefused()
    if use.is_copied:
        await tell(db, owner, "passkey.copied", client.request_id, passkey_id=row["id"], name=row["name"])
        await keep_sign_in(db, owner, None, client.sign_in("failed", "passkey", kind))
        return PasskeyCopied()
    await db.execute("select auth_passkey_used($1, $2, $3)", row["id"], use.sign_count, use.is_synced)
    return owner


async def get(db: Transaction, user_id: UUID, passkey_id: UUID | str) -> dict[str, Any]:
    """Raises PasskeyNotFound."""
    for row in await _of(db, user_id):
        if row["id"] == str(passkey_id):
            return _shown(row)
    raise PasskeyNotFound


async def rename(db: Transaction, user_id: UUID, passkey_id: UUID, name: str) -> dict[str, Any]:
    """Raises PasskeyNotFound."""
    await db.execute("select auth_rename_passkey($1, $2, $3)", user_id, passkey_id, name)
    return await get(db, user_id, passkey_id)


async def remove(db: Transaction, user_id: UUID, passkey_id: UUID, request_id: str) -> dict[str, Any]:
    """Raises PasskeyNotFound."""
    await factors.in_turn(db, user_id)
    row = await db.fetch_one("select auth_drop_passkey($1, $2) as name", user_id, passkey_id)
    if row is None or row["name"] is None:
        raise PasskeyNotFound
    await factors.removed(db, user_id, request_id, kind="passkey", name=row["name"])
    return {"id": str(passkey_id), "name": row["name"]}


async def forget_challenges(worker: Database) -> None:
    """Those that nobody has answered in time."""
    async with worker.transaction() as db:
        await db.execute("select forget_challenges()")


async def _challenge(db: Transaction, user_id: UUID | None) -> bytes:
    """A new one: to register with, of that person, or to sign in with. Only its hash is kept."""
    challenge = secrets.token_bytes(32)
    await db.execute("select auth_keep_challenge($1, $2, $3)", _hash(challenge), user_id, CHALLENGE_LIFE)
    return challenge


async def _spent(db: Transaction, challenge: bytes) -> list[UUID | None]:
    """For whom it was (None: for signing in); empty when it was not given, is over or was spent before."""
    rows = await db.fetch("select user_id from auth_spend_challenge($1)", _hash(challenge))
    return [row["user_id"] and UUID(row["user_id"]) for row in rows]


async def _keep(db: Transaction, user_id: UUID, made: NewPasskey, name: str) -> str | None:
    """Its id; None when the credential is registered already."""
    row = await db.fetch_one(
        "select auth_keep_passkey($1, $2, $3, $4, $5, $6, $7) as id",
        *(
            user_id,
            made.credential_id,
            made.public_key,
            made.sign_count,
            name,
            made.transports,
            made.is_synced,
        ),
    )
    assert row is not None
    kept: str | None = row["id"]
    return kept


async def _of(db: Transaction, user_id: UUID) -> list[Record]:
    return await db.fetch("select * from auth_passkeys($1)", user_id)


def _shown(row: Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "credential_id"}


def _hash(challenge: bytes) -> bytes:
    return sha256(challenge).digest()
