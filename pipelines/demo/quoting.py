"""Quotes before jobs: what was sent when, in which versions, and what customers made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from pipelines.demo.calendar import EPOCH
from pipelines.demo.draw import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    NEVER,
    Bools,
    Ints,
    dates,
    given,
    moments,
    pick,
    rows,
    seen,
)
from pipelines.demo.world import World

STATUSES = ("draft", "sent", "accepted", "declined", "expired")
QUOTED_SHARE = {"fleet": 0.12, "marketplace": 0.04, "field_service": 0.25}
UNTAKEN_QUOTE_SHARE = 0.06
VALID_DAYS = 30
REVISED_SHARE, BY_STAFF_SHARE = 0.18, 0.25
"""Quotes sent a second time, at another price; decisions that customers said, and somebody of the company noted."""
REVISED_MARKUP = 1.07
"""What the first version of these came to, of the second one."""
UNSENT_SHARE, DELETED_SHARE = 0.06, 0.05
"""Of quotes that nobody took: never sent; deleted some days after."""


@dataclass(frozen=True)
class Quotes:
    """Arrays by quote; of `sent_us` and `total_cents` a column a version, NEVER and 0 where there is none."""

    job: Ints
    is_taken: Bools
    created_us: Ints
    sent_us: Ints
    total_cents: Ints
    decided_us: Ints
    by_staff: Bools
    deleted_us: Ints


def live(world: World) -> Quotes:
    """Accepted before some jobs and before each won lead's first; others are declined or left to expire."""
    jobs, leads, rng = world.customers.jobs, world.leads, world.rng("quotes")
    accounts = world.customers.accounts
    count = len(jobs.account)
    first = np.flatnonzero(jobs.lead >= 0)
    won = jobs.lead[first]
    first_sent = leads.qualified_us[won] + ((leads.closed_us - leads.qualified_us)[won] * 0.5).astype(
        np.int64
    )
    taken = np.flatnonzero((jobs.lead < 0) & (rng.random(count) < QUOTED_SHARE[world.profile.kind]))
    taken_sent = jobs.requested_us[taken] - (rng.uniform(0.2, 6, len(taken)) * DAY_US).astype(np.int64)
    taken_sent = np.maximum(taken_sent, accounts.since_us[jobs.account[taken]] + MINUTE_US)
    untaken = np.flatnonzero(rng.random(count) < UNTAKEN_QUOTE_SHARE)
    untaken_sent = jobs.requested_us[untaken] + (rng.uniform(2, 40, len(untaken)) * HOUR_US).astype(np.int64)

    job = np.concatenate([first, taken, untaken])
    sent = np.concatenate([first_sent, taken_sent, untaken_sent])
    is_taken = np.arange(len(job)) < len(first) + len(taken)
    declines = ~is_taken & (rng.random(len(job)) < 0.6)
    decided = np.concatenate([leads.closed_us[won], jobs.requested_us[taken] - MINUTE_US, untaken_sent])
    decided = np.where(is_taken, np.maximum(decided, sent + MINUTE_US // 2), NEVER)
    decided = np.where(declines, sent + (rng.uniform(0.5, 20, len(job)) * DAY_US).astype(np.int64), decided)
    created = sent - (rng.uniform(0, 1, len(job)) * 30 * MINUTE_US).astype(np.int64)
    total = np.where(is_taken, 1.0, rng.uniform(1.0, 1.6, len(job))) * jobs.price_cents[job]

    more = world.rng("quote versions")
    is_decided = decided != NEVER
    # Nobody decides what is over: what takes longer was sent once more.
    is_slow = is_decided & (decided > sent + (VALID_DAYS - 1) * DAY_US)
    is_revised = (more.random(len(job)) < REVISED_SHARE) | is_slow
    until = np.where(is_decided, decided, sent + (VALID_DAYS - 1) * DAY_US)
    latest = np.maximum(sent, until - (VALID_DAYS - 1) * DAY_US)
    again = latest + ((until - latest) * more.uniform(0.2, 0.8, len(job))).astype(np.int64)
    unsent = ~is_taken & ~is_decided & (more.random(len(job)) < 2 * UNSENT_SHARE)
    total = np.rint(total).astype(np.int64)
    last = np.where(is_decided, decided, np.where(is_revised, again, sent))
    deleted = last + (more.uniform(1, 20, len(job)) * DAY_US).astype(np.int64)
    return Quotes(
        job,
        is_taken,
        created,
        np.stack([np.where(unsent, NEVER, sent), np.where(unsent | ~is_revised, NEVER, again)], 1),
        np.stack([np.where(is_revised & ~unsent, np.rint(total * REVISED_MARKUP), total), total], 1).astype(
            np.int64
        ),
        decided,
        more.random(len(job)) < BY_STAFF_SHARE,
        np.where(~is_taken & (more.random(len(job)) < DELETED_SHARE), deleted, NEVER),
    )


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    quotes = live(world)
    ids = world.new_ids("quotes", quotes.created_us)
    ends = _midnights(world)
    yield "quotes", _quotes(world, quotes, ids, ends, now_us)
    yield "quote_versions", _versions(world, quotes, ids, ends, now_us)


def _midnights(world: World) -> tuple[int, Ints]:
    """A day since 1970 long before the first quote, and the midnights of the company's clock from it on."""
    first, zone = world.calendar.first_day - 200, ZoneInfo(world.profile.timezone)
    days = (EPOCH + timedelta(days=first + nth) for nth in range(world.calendar.days + 400))
    at = [datetime.combine(day, time(), zone).astimezone(UTC).timestamp() for day in days]
    return first, np.array(at).astype(np.int64) * 1_000_000


def _validity(sent_us: Ints, ends: tuple[int, Ints]) -> tuple[Ints, Ints]:
    """The last day on which each can be accepted, and the midnight after it; what was not sent gets any."""
    first, midnights = ends
    day = np.searchsorted(midnights, sent_us, side="right") - 1 + VALID_DAYS
    return day + first, midnights[np.clip(day + 1, 0, len(midnights) - 1)]


def _quotes(
    world: World, quotes: Quotes, ids: pl.Series, ends: tuple[int, Ints], now_us: int
) -> pl.DataFrame:
    jobs, job = world.customers.jobs, quotes.job
    sent, decided, deleted = (
        seen(at, now_us) for at in (quotes.sent_us, quotes.decided_us, quotes.deleted_us)
    )
    version = 1 + (sent[:, 1] != NEVER)
    last_sent = sent.max(axis=1)
    is_sent, is_decided = last_sent != NEVER, decided != NEVER
    valid_until, expires = _validity(last_sent, ends)
    is_there = (deleted == NEVER) | (deleted > expires)
    is_over = is_sent & ~is_decided & (expires < now_us) & is_there
    status = np.select([~is_sent, is_over, ~is_decided, quotes.is_taken], [0, 4, 1, 2], 3)
    is_accepted = status == STATUSES.index("accepted")
    has_job = is_accepted & (jobs.requested_us[job] < now_us)
    converted = np.where(has_job, np.maximum(jobs.requested_us[job], decided), NEVER)
    converted = seen(converted, now_us)
    return rows(
        world.tenant_id,
        ids,
        quotes.created_us,
        np.maximum.reduce([last_sent, decided, np.where(is_over, expires, NEVER), converted, deleted]),
        now_us,
        account_id=pick(world.ids["accounts"], jobs.account[job]),
        job_id=pick(world.ids["jobs"], np.where(has_job, job, -1)),
        status=pick(STATUSES, status),
        total_cents=pl.Series(quotes.total_cents[np.arange(len(job)), version - 1]),
        currency=world.currency,
        sent_at=moments(last_sent),
        decided_at=moments(decided),
        version=pl.Series(version.astype(np.int32)),
        sent_version=given(version.astype(np.int32), is_sent),
        accepted_version=given(version.astype(np.int32), is_accepted),
        valid_until=given(dates(valid_until), is_sent),
        expires_at=moments(np.where(is_sent, expires, NEVER)),
        decided_by=pick(("customer", "staff"), np.where(is_decided, quotes.by_staff.astype(int), -1)),
        converted_at=moments(converted),
        deleted_at=moments(deleted),
    )


def _versions(
    world: World, quotes: Quotes, ids: pl.Series, ends: tuple[int, Ints], now_us: int
) -> pl.DataFrame:
    """Each sending; nobody has made a paper of it."""
    quote, nth = np.nonzero(quotes.sent_us != NEVER)
    sent = quotes.sent_us[quote, nth]
    valid_until, expires = _validity(sent, ends)
    account = pick(world.ids["accounts"], world.customers.jobs.account[quotes.job[quote]])
    total, version = pl.Series(quotes.total_cents[quote, nth]), pl.Series((nth + 1).astype(np.int32))
    document = _documents(world, account, version, total, dates(sent // DAY_US), dates(valid_until))
    return rows(
        world.tenant_id,
        world.new_ids("quote_versions", sent),
        sent,
        sent,
        now_us,
        quote_id=pick(ids, quote),
        account_id=account,
        version=version,
        document=document,
        total_cents=total,
        currency=world.currency,
        pdf_sha256=pl.Series([sha256(text.encode()).hexdigest() for text in document], dtype=pl.String),
        sent_at=moments(sent),
        expires_at=moments(expires),
    )


def _documents(
    world: World, account: pl.Series, version: pl.Series, total: pl.Series, dated: pl.Series, until: pl.Series
) -> pl.Series:
    """What the service keeps of an offer (`serve/crm/quotes/sending.py`), for all of them at once."""
    none = (
        "contact_id",
        "title",
        "introduction",
        "terms",
        "recipient_name",
        "recipient_email",
        "customer_name",
    )
    none += ("discount_basis_points", "discount_cents", "deposit_basis_points", "number")
    zero = ("subtotal_cents", "discount_total_cents", "net_cents", "tax_cents", "deposit_cents")
    frame = pl.DataFrame({"account_id": account, "version": version, "total_cents": total})
    return frame.select(
        pl.struct(
            pl.all(),
            *(pl.lit(None, pl.String).alias(name) for name in none),
            *(pl.lit(0).alias(name) for name in zero),
            *(pl.lit([], pl.List(pl.Int64)).alias(name) for name in ("lines", "taxes")),
            pl.lit(world.currency).alias("currency"),
            pl.lit("en").alias("language"),
            pl.lit("quote").alias("kind"),
            pl.lit(False).alias("is_draft"),
            pl.lit(world.profile.name).alias("sender"),
            pl.Series("dated", dated).cast(pl.String),
            pl.Series("valid_until", until).cast(pl.String),
        )
        .struct.json_encode()
        .alias("document")
    )["document"]
