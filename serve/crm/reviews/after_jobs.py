"""A job is done, and some hours later its customer is asked for a review, where the tenant has set that.

The database notes the job in the transaction that completes it (``note_jobs_done``), each job once for ever. The
worker's clock takes what is due and queues a task for each. Whoever may not be asked then is not; the turn says why.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.reviews.schemas import ReviewRequestAsked
from serve.crm.reviews.service import ask, settings_of
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Problem
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.acting import acting_for

log = logging.getLogger("throughline.reviews")

EVERY_S = 30.0
MOST = 200
_DUE = "select job_id, tenant_id from jobs_to_ask_about($1, $2)"
_TAKE = """
    update review_turns set ask_at = null where id = (
        select id from review_turns where job_id = $1 and ask_at <= $2 for update skip locked
    ) returning id
"""
_END = "update review_turns set outcome = $2 where job_id = $1"
_WHO = """
    select c.id from (
        select q.contact_id, 1 as place, q.created_at from quotes q where q.job_id = $1 and q.deleted_at is null
        union all
        select v.contact_id, 2, v.created_at from lead_conversions v where v.job_id = $1 and v.undone_at is null
        union all
        select p.id, 3, p.created_at from jobs j
        join contacts p on p.tenant_id = j.tenant_id and p.account_id = j.account_id
        where j.id = $1
    ) found
    join contacts c on c.id = found.contact_id
        and c.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
    where c.deleted_at is null and c.email is not null
    order by found.place, found.created_at, c.id limit 1
"""
_ASKED = "select from review_requests where job_id = $1 and deleted_at is null limit 1"


async def queue_due(database: Database, moment: datetime | None = None) -> int:
    """Queue the jobs whose customers are to be asked by then (``moment`` is for tests); how many that were.

    ``database`` acts as the worker. Several workers may look at once: each job is taken by one of them.
    """
    moment = moment or datetime.now(UTC)
    async with database.connection() as connection:
        due = await connection.fetch(_DUE, moment, MOST)
    queued = 0
    for each in due:
        try:
            async with database.transaction(acting_for(UUID(each["tenant_id"]), None)) as db:
                if await db.fetch_one(_TAKE, each["job_id"], moment) is not None:
                    title = "Ask for a review of a job that is done"
                    await enqueue(db, "reviews.after_job", title=title, about=("job", each["job_id"]))
                    queued += 1
        except Exception:  # the others' times have come too
            log.exception("the review of job %s could not be queued", each["job_id"])
    return queued


@task("reviews.after_job")
async def ask_about(work: Work) -> Any:
    """Ask whoever had the work done: of the quote, of the lead, or else the account's first contact with an address."""
    job_id = UUID(str(work.about[1]))

    async def do(db: Transaction) -> Any:
        outcome = await _outcome(db, job_id)
        await db.execute(_END, job_id, outcome)
        return {"outcome": outcome}

    return await work.step("ask", do)


async def _outcome(db: Transaction, job_id: UUID) -> str:
    if (await settings_of(db)).ask_after_h is None:
        return "switched_off"
    if await db.fetch_one(_ASKED, job_id) is not None:
        return "asked_by_hand"
    found = await db.fetch_one(_WHO, job_id)
    if found is None:
        return "nobody_to_ask"
    try:
        async with db.attempt():
            asked = {"contact_id": found["id"], "job_id": job_id}
            await ask(db, ReviewRequestAsked.model_validate(asked))
    except Problem as refused:
        if refused.status >= 500:
            raise
        return refused.code.lower()
    return "asked"
