"""Exports and erasures as tasks: begun again wherever they were killed, they end complete.

The database's part of an erasure is one step, so it is done once and wholly. Files go after their rows; the landing
zone is the pipeline's, which is asked in the same step. Then the person is searched for, at once and again when the
pipeline has answered; only a search that finds nothing but what the law keeps ends the request.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from serve.identity.privacy import erasure, export, people, search
from serve.identity.privacy.people import OWN, Person
from serve.kernel.db import Transaction
from serve.kernel.events import emit, event
from serve.kernel.tasks import Work, enqueue, task
from serve.ports.mail import Outbox
from warehouse.settings import Home

EXPORT, ERASE, PROVE = "privacy.export", "privacy.erase", "privacy.prove"
KEPT_DAYS = 7
LOOK_AGAIN = (timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))

event("person.exported", "All that is known of a person was put into a file.", permission="privacy:read")
event("person.erased", "A person was erased: `after` counts rows by table.", permission="privacy:read")
event(
    "person.searched",
    "An erased person was searched for: `after` counts the places left.",
    permission="privacy:read",
)

_REQUEST = f"select * from privacy_requests where {OWN} and id = $1"
_EXPORTS = f"""
    select id from tasks where {OWN} and kind = '{EXPORT}' and (entity_type, entity_id) in (
        select * from unnest($1::text[], $2::uuid[])
        union select 'privacy_request', r.id from privacy_requests r
            where r.{OWN} and ((r.subject_kind, r.subject_id) in (select * from unnest($1::text[], $2::uuid[]))
                or lower(r.email) = any($3::text[]))
    )
"""
_ASK = """
    insert into pipeline_requests (tenant_id, kind, params)
    select $1, 'erase', jsonb_build_object('ids', $2::jsonb, 'below_xid', pg_current_xact_id()::text::bigint)
    returning id
"""
_ENDED = f"""
    update privacy_requests set status = $2, finished_at = now(), result = $3,
        sealed_identifiers = case when $2 = 'done' then null else sealed_identifiers end
    where {OWN} and id = $1 and status in ('running', 'failed')
    returning set_config('app.event', 'privacy_request.' || $2, true)
"""


def suppression_key(state: Any) -> str:
    """By which addresses are hashed that must not come back unseen."""
    return Home(state.settings.throughline_home).secret("suppression_key")


@task(EXPORT, queue="files")
async def export_person(work: Work) -> Any:
    """The file of one person, for whoever asked."""
    params = work.params
    storage = work.state.files.storage
    async with work.transaction() as db:
        person = await people.find(
            db, params["kind"], params["id"], await _address(db, params.get("request_id"))
        )
        found = await export.gather(db, person)
    about = {
        "made_at": datetime.now(UTC).isoformat(),
        "known_by": person.known_by(),
        "rows": {name: len(rows) for name, rows in found.items()},
    }
    aside = await asyncio.to_thread(storage.aside)
    try:
        await export.write(aside, storage, work.tenant_id, found, about)

        async def keep(db: Transaction) -> Any:
            await asyncio.to_thread(storage.keep, aside, work.tenant_id, UUID(work.id))
            counts = {name: len(rows) for name, rows in found.items()}
            await emit(db, "person.exported", "task", work.id, {"rows": counts})
            if request_id := params.get("request_id"):
                await db.fetch(_ENDED, request_id, "done", {"rows": counts})
            until = datetime.now(UTC) + timedelta(days=KEPT_DAYS)
            return {
                "is_own": params["kind"] == "user" and params.get("request_id") is None,
                "rows": counts,
                "name": "personal-data.zip",
                "size_bytes": aside.size_bytes,
                "sha256": aside.sha256,
                "expires_at": until.isoformat(),
            }

        return await work.step("keep", keep)
    finally:
        await asyncio.to_thread(aside.discard)


@task(ERASE)
async def erase_person(work: Work) -> Any:
    """Erase the person of an approved request."""
    request_id, secret = work.params["request_id"], suppression_key(work.state)

    async def rows(db: Transaction) -> Any:
        request = await request_of(db, request_id)
        person = await person_of(db, request)
        exports = [row["id"] for row in await db.fetch(_EXPORTS, *person.pairs(), sorted(person.emails))]
        done = await erasure.erase(db, person, request_id=request_id, secret=secret)
        done["files"] += exports
        await db.execute(
            f"update privacy_requests set sealed_identifiers = $2 where {OWN} and id = $1",
            *(request_id, person.sealed(db.vault)),
        )
        asked = await ask_pipeline(db, done)
        if work.params.get("is_rebuilt"):
            await db.execute(
                "insert into pipeline_requests (tenant_id, kind) values ($1, 'refresh')", work.tenant_id
            )
        await emit(db, "person.erased", "privacy_request", request_id, {"rows": done["erased"]})
        return done | {"pipeline_request_id": asked}

    try:
        done = await work.step("rows", rows)
    except (erasure.OnHold, erasure.OnlyOwner, people.NoPerson) as refused:
        async with work.transaction() as db:
            await db.fetch(_ENDED, request_id, "failed", {"refused": refused.detail})
        raise
    await work.outside("files", lambda _: remove_outside(work, done))
    return await _prove(work, request_id, done, round=0)


@task(PROVE)
async def prove(work: Work) -> Any:
    """Search again, now that the pipeline may have done its part."""
    request_id = work.params["request_id"]
    async with work.transaction() as db:
        request = await request_of(db, request_id)
    return await _prove(work, request_id, request["result"], round=work.params["round"])


async def ask_pipeline(db: Transaction, done: dict[str, Any]) -> str:
    """Have these rows' versions of before this transaction taken out of the landing zone; the request's id."""
    asked = await db.fetch_one(_ASK, db.caller.tenant_id, done["ids"])
    assert asked is not None
    request_id: str = asked["id"]
    return request_id


async def remove_outside(work: Work, done: dict[str, Any]) -> dict[str, int]:
    """Bytes of files, and mails in the outbox."""
    storage, outbox = work.state.files.storage, _outbox(work)
    for file_id in done["files"]:
        await asyncio.to_thread(storage.remove, work.tenant_id, UUID(file_id))
    mails = 0
    for message_id in done["messages"] if outbox else ():
        path = Outbox(outbox).path(message_id)
        mails += path.exists()
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return {"files": len(done["files"]), "outbox": mails}


async def _prove(work: Work, request_id: str, done: dict[str, Any], *, round: int) -> Any:
    """What a search finds now. It ends the request, or says when it looks again."""
    home = Home(work.state.settings.throughline_home)
    async with work.transaction() as db:
        request = await request_of(db, request_id)
        if request["sealed_identifiers"] is None:
            return None  # somebody else has ended it
        person = await person_of(db, request)
        kept = await db.fetch(f"select table_name, row_id, reason from privacy_kept where {OWN}")
        reasons = {(row["table_name"], row["row_id"]): row["reason"] for row in kept}
        proof = await search.search(db, person, reasons)
        pipeline = await db.fetch_one(
            "select status from pipeline_requests where id = $1", done["pipeline_request_id"]
        )
    proof["places"] += await search.search_outside(home, _outbox(work), str(work.tenant_id), person)
    landing = pipeline["status"] if pipeline else "failed"
    left = [place for place in proof["places"] if place["verdict"] == "left"]
    proof |= {"searched_at": datetime.now(UTC).isoformat(), "left_count": len(left), "pipeline": landing}
    is_over = landing == "done" or round >= len(LOOK_AGAIN)
    result = done | {"proof": proof, "note": NOTE}

    async def say(db: Transaction) -> Any:
        summary = {"left_count": len(left), "pipeline": landing}
        await emit(db, "person.searched", "privacy_request", request_id, summary)
        if is_over:
            status = "done" if landing == "done" and not left else "failed"
            await db.fetch(_ENDED, request_id, status, result)
        else:
            await db.execute(
                f"update privacy_requests set result = $2 where {OWN} and id = $1", request_id, result
            )
            await enqueue(
                db,
                PROVE,
                {"request_id": request_id, "round": round + 1},
                title="Search for an erased person",
                about=("privacy_request", request_id),
                not_before=datetime.now(UTC) + LOOK_AGAIN[round],
                key=f"prove {request_id} {work.id} {round + 1}",
            )
        return summary

    return await work.step(f"proof {round}", say)


NOTE = (
    "Releases made from now on do not contain the person; those that are kept hold no names, addresses or numbers, and"
    " expire after 30 days. Backups expire by their own rule."
)


async def request_of(db: Transaction, request_id: str) -> Any:
    found = await db.fetch_one(_REQUEST, request_id)
    assert found is not None
    return found


async def person_of(db: Transaction, request: Any) -> Person:
    """Whoever it is about; after the erasure, by what was known before it. Raises NoPerson."""
    if request["sealed_identifiers"] is not None:
        return Person.opened(db.vault, request["sealed_identifiers"])
    return await people.find(db, request["subject_kind"], request["subject_id"], request["email"])


async def _address(db: Transaction, request_id: str | None) -> str | None:
    return (await request_of(db, request_id))["email"] if request_id else None


def _outbox(work: Work) -> Path | None:
    outbox = work.state.mail.outbox
    return outbox.folder if outbox else None
