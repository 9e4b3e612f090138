"""Customers asked what they think of the work that was done, and what they said."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo.crm_tables import contacts_of
from pipelines.demo.draw import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    NEVER,
    Bools,
    Ints,
    given,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.promises import NO_END
from pipelines.demo.world import World

STATUSES = ("queued", "sent", "opened", "answered", "expired", "cancelled")
ASKED_SHARE = 0.5
"""Of the jobs whose customer may be asked."""
BY_HAND_SHARE = 0.2
"""The others are asked by the clock, this long after the job was done."""
ASK_AFTER_US = 20 * HOUR_US
COOLDOWN_US, LINK_US = 90 * DAY_US, 30 * DAY_US
TAKEN_BACK_SHARE, OPENED_SHARE, ANSWERED_SHARE, BY_STAFF_SHARE = 0.05, 0.6, 0.65, 0.04
"""Taken back: of those asked by hand. Answered: of those opened. By staff: of the others, said on the phone."""
MOODS = np.array([[0.30, 0.25, 0.20, 0.15, 0.10], [0.03, 0.04, 0.10, 0.28, 0.55]])
"""Chances of 1 to 5 after late work and after work in time, for who did not rate the job itself."""


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "review_requests", _requests(world, now_us)


def reachable(world: World) -> tuple[pl.Series, Ints]:
    """Ids of contacts, and for each account the place of the first one who has an address and agreed; -1 for nobody."""
    contacts = contacts_of(world, NO_END)
    may = contacts.select(
        "account_id",
        place=pl.int_range(pl.len(), dtype=pl.Int64),
        may=pl.col("consent_email") & pl.col("email").is_not_null(),
    ).filter("may")
    first = may.unique("account_id", keep="first", maintain_order=True)
    of_account = pl.DataFrame({"account_id": world.ids["accounts"]}).join(
        first, on="account_id", how="left", maintain_order="left"
    )
    return contacts["id"], of_account["place"].fill_null(-1).to_numpy()


def _requests(world: World, now_us: int) -> pl.DataFrame:
    jobs, rng = world.customers.jobs, world.rng("review_requests")
    contact_ids, contact_of_account = reachable(world)
    count = len(jobs.account)
    contact = contact_of_account[jobs.account]
    by_hand = rng.random(count) < BY_HAND_SHARE
    created = np.where(by_hand, rng.uniform(0.5, 30, count) * HOUR_US, ASK_AFTER_US).astype(np.int64)
    created = jobs.completed_us + created + (rng.random(count) * MINUTE_US).astype(np.int64)
    planned = np.where(by_hand, (rng.uniform(0, 20, count) * HOUR_US).astype(np.int64), 0)
    is_asked = (jobs.completed_us != NEVER) & (contact >= 0) & (rng.random(count) < ASKED_SHARE)
    job = np.flatnonzero(is_asked)
    job = job[np.argsort((created + planned)[job], kind="stable")]
    job = job[_rested(contact[job], (created + planned)[job])]

    count, contact, by_hand, created = len(job), contact[job], by_hand[job], created[job]
    send_at = created + planned[job]
    taken_back = by_hand & (rng.random(count) < TAKEN_BACK_SHARE)
    cancelled = np.where(taken_back, created + ((send_at - created) * 0.5).astype(np.int64), NEVER)
    sent = np.where(taken_back, NEVER, send_at + (rng.uniform(2, 40, count) * 1_000_000).astype(np.int64))
    opened = sent + (rng.exponential(14, count) * HOUR_US).astype(np.int64) + MINUTE_US
    answered = opened + (rng.exponential(6, count) * MINUTE_US).astype(np.int64) + MINUTE_US
    told = sent + (rng.uniform(1, 25, count) * DAY_US).astype(np.int64)
    is_opened = ~taken_back & (rng.random(count) < OPENED_SHARE) & (answered < sent + LINK_US)
    answers = is_opened & (rng.random(count) < ANSWERED_SHARE)
    tells = ~taken_back & ~answers & (rng.random(count) < BY_STAFF_SHARE) & (~is_opened | (told > opened))
    expires = np.where(taken_back, NEVER, sent + LINK_US)
    answered = np.where(answers, answered, np.where(tells, told, NEVER))
    opened = np.where(is_opened, opened, NEVER)
    rating = _rating(jobs.rating[job], jobs.is_late[job], rng)

    cancelled, sent, opened, answered = (seen(at, now_us) for at in (cancelled, sent, opened, answered))
    is_over = (sent != NEVER) & (answered == NEVER) & (expires < now_us)
    status = np.select(
        [cancelled != NEVER, answered != NEVER, is_over, opened != NEVER, sent != NEVER], [5, 3, 4, 2, 1], 0
    )
    return rows(
        world.tenant_id,
        world.new_ids("review_requests", created),
        created,
        np.maximum.reduce([cancelled, sent, opened, answered, np.where(is_over, expires, NEVER)]),
        now_us,
        contact_id=pick(contact_ids, contact),
        job_id=pick(world.ids["jobs"], job),
        channel="email",
        status=pick(STATUSES, status),
        send_at=moments(send_at),
        sent_at=moments(sent),
        opened_at=moments(opened),
        expires_at=moments(np.where(sent != NEVER, expires, NEVER)),
        answered_at=moments(answered),
        answered_by=pick(("customer", "staff"), np.where(answered == NEVER, -1, tells.astype(int))),
        rating=given(rating.astype(np.int32), answered != NEVER),
        cancelled_at=moments(cancelled),
    )


def _rested(contact: Ints, send_at: Ints) -> Bools:
    """Whom nobody has asked for as long as it takes; `send_at` rises."""
    last: dict[int, int] = {}
    rested = np.zeros(len(contact), dtype=bool)
    for nth, (who, at) in enumerate(zip(contact.tolist(), send_at.tolist(), strict=True)):
        if at - last.get(who, -NO_END // 2) > COOLDOWN_US + HOUR_US:
            rested[nth] = True
            last[who] = at
    return rested


def _rating(of_job: Ints, is_late: Bools, rng: np.random.Generator) -> Ints:
    """Who rated the job says much the same again, now and then a mark more or less."""
    mood = np.cumsum(MOODS[np.where(is_late, 0, 1)], axis=1)
    drawn = 1 + (rng.random(len(of_job))[:, None] > mood).sum(axis=1).clip(0, 4)
    again = (of_job + rng.choice([-1, 0, 1], len(of_job), p=[0.1, 0.75, 0.15])).clip(1, 5)
    return np.where(of_job > 0, again, drawn)
