"""What is done with requests of people; the work itself is in ``work``."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from serve.identity.auth.errors import WrongPassword
from serve.identity.auth.notes import Note
from serve.identity.auth.people import active_user
from serve.identity.auth.service import Client, Login
from serve.identity.consents.service import check_person
from serve.identity.privacy import erasure, people, rules
from serve.identity.privacy.errors import ExportGone, OnHold, OnlyOwner
from serve.identity.privacy.people import OWN, Person
from serve.identity.privacy.registry import KNOWN, NOTHING
from serve.identity.privacy.resource import holds, requests
from serve.identity.privacy.schemas import HoldFields, RequestFields
from serve.identity.privacy.work import ERASE, EXPORT, person_of, request_of
from serve.identity.roles.service import check_giving
from serve.identity.users import queries as users
from serve.kernel.caller import Caller, Lacks
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Invalid
from serve.kernel.ids import uuid7
from serve.kernel.resources import Row
from serve.kernel.resources.declaration import values_of
from serve.kernel.tasks import enqueue
from serve.kernel.tasks.acting import acting_for

_MY_EXPORT = f"""
    select id as task_id, status, finished_at,
        case when status = 'succeeded' then '/api/v1/privacy/exports/' || id end as url
    from tasks where {OWN} and kind = '{EXPORT}' and entity_type = 'user' and entity_id = $1 and user_id = $1
        and coalesce(finished_at, now()) > now() - interval '7 days'
    order by id desc limit 1
"""
# A task that was cancelled, or has used up its attempts, ends no request.
_AT_WORK = f"""
    select 1 as found from tasks where {OWN} and entity_type = 'privacy_request' and entity_id = $1
        and status in ('queued', 'running', 'paused') limit 1
"""
_EXPORT = f"select id, status, user_id, result from tasks where {OWN} and kind = '{EXPORT}' and id = $1"


async def receive(db: Transaction, asked: RequestFields) -> Row:
    """A new request, due in 30 days. Raises NoPerson or Invalid."""
    values = values_of(asked, sent_only=False)
    now = datetime.now(UTC)
    received_at = values["received_at"] or now
    if received_at > now:
        raise Invalid(details=[("received_at", "lies in the future")])
    await people.find(db, asked.subject_kind, asked.subject_id, asked.email)
    return await requests.insert(
        db, values | {"received_at": received_at, "due_at": rules.due_at(received_at)}
    )


async def verify(db: Transaction, request_id: UUID, method: str) -> Row:
    row = await _ready(db, request_id, "verify")
    changes = {"identity_verified_at": datetime.now(UTC), "identity_verified_by": db.caller.user_id}
    return await requests.update(
        db, row, changes | {"status": "verified", "identity_method": method}, event="privacy_request.verified"
    )


async def approve(db: Transaction, request_id: UUID, reason: str | None, *, is_rebuilt: bool) -> Row:
    """Begin it, if it is work for a task; else it is done.

    Raises RequestNotReady, OnHold, OnlyOwner, NoPerson, or what sending a colleague away takes.
    """
    row = await _ready(db, request_id, "approve")
    changes: dict[str, Any] = {"status": "done", "finished_at": datetime.now(UTC)}
    if row["kind"] == "erasure":
        person = await person_of(db, await request_of(db, row["id"]))
        await _check_may_end(db, person)
        if row["status"] != "failed":
            await erasure.check_erasable(db, person)
    if row["kind"] in rules.BY_TASK:
        task_id = uuid7()
        changes = {"status": "running", "finished_at": None, "task_id": str(task_id)}
        params = {"request_id": row["id"], "is_rebuilt": is_rebuilt}
        is_access = row["kind"] == "access"
        await enqueue(
            db,
            EXPORT if is_access else ERASE,
            params | ({"kind": row["subject_kind"], "id": row["subject_id"]} if is_access else {}),
            title="Export of a person's data" if is_access else "Erase a person",
            about=("privacy_request", row["id"]),
            task_id=task_id,
        )
    changes |= {
        "decided_at": datetime.now(UTC),
        "decided_by": str(db.caller.user_id),
        "decision_reason": reason,
    }
    return await requests.update(db, row, changes, event="privacy_request.approved")


async def _check_may_end(db: Transaction, person: Person) -> None:
    """An erasure ends the membership: for that it takes what sending the person away takes.

    Raises Lacks, OwnersAlone or MoreThanYours.
    """
    for user_id in person.ids("user"):
        member = await users.find(db, UUID(user_id), own_only=True)
        if member is None or UUID(user_id) == db.caller.user_id:
            continue
        if "users:write" not in db.caller.permissions:
            raise Lacks(db.caller, "users:write")
        with suppress(Invalid):  # a role that there is no more: it allows nothing
            await check_giving(db, db.caller, member["role"])


async def refuse(db: Transaction, request_id: UUID, reason: str) -> Row:
    row = await _ready(db, request_id, "refuse")
    now = datetime.now(UTC)
    await _unknow(db, request_id)
    changes = {"status": "refused", "decided_at": now, "finished_at": now, "decision_reason": reason}
    return await requests.update(
        db, row, changes | {"decided_by": str(db.caller.user_id)}, event="privacy_request.refused"
    )


async def extend(db: Transaction, request_id: UUID, reason: str) -> Row:
    row = await _ready(db, request_id, "extend")
    changes = {"due_at": row["due_at"] + timedelta(days=rules.LONGER_DAYS), "decision_reason": reason}
    return await requests.update(db, row, changes, event="privacy_request.extended")


async def withdraw(db: Transaction, request_id: UUID) -> Row:
    """The person wants it no more; of a restriction in force: it is lifted."""
    row = await _ready(db, request_id, "withdraw")
    await _unknow(db, request_id)
    changes = {"status": "withdrawn", "finished_at": datetime.now(UTC)}
    return await requests.update(db, row, changes, event="privacy_request.withdrawn")


async def _unknow(db: Transaction, request_id: UUID) -> None:
    """By whom an erasure that failed would have been sought: nobody seeks them any more."""
    await db.execute(
        f"update privacy_requests set sealed_identifiers = null where {OWN} and id = $1", request_id
    )


async def _ready(db: Transaction, request_id: UUID, verb: str) -> Row:
    row = await requests.get(db, request_id, lock=True)
    is_over = row["status"] == "running" and not await db.fetch(_AT_WORK, request_id)
    rules.check_state({**row, "status": "failed"} if is_over else row, verb)
    return row


async def preview(db: Transaction, request_id: UUID) -> dict[str, Any]:
    """Who is meant, what is known of them, and what an erasure would do. Raises NoPerson."""
    row = await requests.get(db, request_id, lock=True)
    person = await people.find(db, row["subject_kind"], row["subject_id"], row["email"])
    tables = []
    for name, known in people.reached().items():
        if count := len(await people.rows_of(db, name, known, person, ["id"])):
            reason = known.why or (known.unless.reason if known.unless else None)
            tables.append({"table": name, "count": count, "fate": known.fate, "reason": reason})
    kinds, ids = person.pairs()
    return {
        "rows": [{"kind": kind, "id": row_id} for kind, row_id in zip(kinds, ids, strict=True)],
        "known_by": [word for words in person.known_by().values() for word in words],
        "tables": tables,
        "hold": await erasure.hold_on(db, person),
    }


def registry() -> list[dict[str, Any]]:
    """Each table, what it knows of people and what an erasure does with it."""
    known = [
        {
            "table": name,
            "knows": sorted({*each.links, *each.blank} - {"id", "deleted_at", "person_key"}),
            "fate": each.fate,
            "reason": each.why or (each.unless.reason if each.unless else None),
        }
        for name, each in KNOWN.items()
    ]
    nothing = [
        {"table": name, "knows": [], "fate": "nothing", "reason": why} for name, why in NOTHING.items()
    ]
    return sorted([*known, *nothing], key=lambda each: str(each["table"]))


async def hold(db: Transaction, asked: HoldFields) -> Row:
    """Raises NoPerson."""
    await check_person(db, asked.subject_kind, asked.subject_id)
    return await holds.insert(db, values_of(asked, sent_only=False))


async def release(db: Transaction, hold_id: UUID) -> Row:
    row = await holds.get(db, hold_id, lock=True)
    if row["released_at"] is not None:
        return row
    changes = {"released_at": datetime.now(UTC), "released_by": str(db.caller.user_id)}
    return await holds.update(db, row, changes, event="privacy_hold.released")


async def export_me(db: Transaction) -> Any:
    user_id = str(db.caller.user_id)
    params = {"kind": "user", "id": user_id}
    return await enqueue(db, EXPORT, params, title="Export of my data", about=("user", user_id))


async def my_export(db: Transaction) -> dict[str, Any]:
    """The newest that is not over. Raises ExportGone."""
    found = await db.fetch_one(_MY_EXPORT, db.caller.user_id)
    if found is None:
        raise ExportGone
    return dict(found)


async def file_of(db: Transaction, task_id: UUID) -> dict[str, Any]:
    """What is known of the file, for whoever asked for it and may still have it. Raises ExportGone."""
    found = await db.fetch_one(_EXPORT, task_id)
    caller = db.caller
    if (
        found is None
        or found["status"] != "succeeded"
        or found["user_id"] != str(caller.user_id)
        or not (found["result"] and (found["result"]["is_own"] or "privacy:write" in caller.permissions))
        or datetime.fromisoformat(found["result"]["expires_at"]) < datetime.now(UTC)
    ):
        raise ExportGone
    about = found["result"]
    return {
        "id": found["id"],
        "tenant_id": str(caller.tenant_id),
        "name": about["name"],
        "media_type": "application/zip",
        "charset": None,
        "size_bytes": about["size_bytes"],
        "sha256": about["sha256"],
    }


async def end_account(
    database: Database, login: Login, caller: Caller, password: str | None, client: Client
) -> dict[str, Any]:
    """Erase the account of who asks, and have each of their tenants forget them.

    Killed in between, tenants may have forgotten who still has an account: asking again ends it.
    Raises WrongPassword, TooManyAttempts, OnlyOwner or OnHold.
    """
    await _check_password(database, login, caller, password, client)
    async with database.transaction(caller) as db:
        alone = await db.fetch("select name from privacy_owned_alone($1)", caller.user_id)
        if alone:
            names = ", ".join(row["name"] for row in alone)
            raise OnlyOwner(f"You are the only owner of {names}. Make somebody else an owner first.")
        tenants = [
            UUID(row["tenant_id"])
            for row in await db.fetch("select privacy_tenants($1) as tenant_id", caller.user_id)
        ]
    for tenant_id in tenants:  # all of them before the first forgets anything
        async with database.transaction(acting_for(tenant_id, caller.user_id)) as db:
            await _check_no_hold(db, caller.user_id)
    now = datetime.now(UTC)
    for tenant_id in tenants:
        acting = acting_for(tenant_id, caller.user_id)
        async with database.transaction(acting, request_id=client.request_id) as db:
            await _forgotten_by(db, caller.user_id, now)
    async with database.transaction(caller, request_id=client.request_id) as db:
        try:
            async with db.attempt():
                await db.execute("select privacy_erase_account($1)", caller.user_id)
        except asyncpg.PostgresError as error:
            if error.sqlstate != "TL001":
                raise
            raise OnlyOwner from error  # the other owners went meanwhile
    return {"erased_at": now, "tenant_ids": tenants}


async def _check_no_hold(db: Transaction, user_id: UUID) -> None:
    """Raises OnHold naming the tenant."""
    if await erasure.hold_on(db, await people.find(db, "user", user_id)):
        tenant = await db.fetch_one("select name from tenants where id = $1", db.caller.tenant_id)
        raise OnHold(f"{tenant and tenant['name']} must keep your data for now, and so your account.")


async def _check_password(
    database: Database, login: Login, caller: Caller, password: str | None, client: Client
) -> None:
    """Wrong guesses count like failed log-ins; who has no password has come by another way a moment ago."""
    async with database.transaction(caller) as db:
        user = await active_user(db, caller.user_id)
    if user["password_hash"] is None:
        return
    account = user["email"].lower()
    await login.attempts.count(client.address, account)
    if password is None or not await login.passwords.matches(user["password_hash"], password):
        login.notes.take(Note(caller.user_id, None, "password.refused", {}, client.request_id), caller)
        raise WrongPassword(details=[("password", "is not right")])
    await login.attempts.succeeded(client.address, account)


async def _forgotten_by(db: Transaction, user_id: UUID, now: datetime) -> None:
    """A request that the person has approved by asking."""
    task_id = uuid7()
    person = await people.find(db, "user", user_id)
    row = await requests.insert(
        db,
        {
            "sealed_identifiers": person.sealed(db.vault),
            "kind": "erasure",
            "subject_kind": "user",
            "subject_id": user_id,
            "status": "running",
            "received_at": now,
            "due_at": rules.due_at(now),
            "identity_verified_at": now,
            "identity_method": "password",
            "decided_at": now,
            "decision_reason": "the person erased the account",
            "task_id": task_id,
        },
    )
    await enqueue(
        db,
        ERASE,
        {"request_id": row["id"]},
        title="Erase a person",
        about=("privacy_request", row["id"]),
        task_id=task_id,
    )
