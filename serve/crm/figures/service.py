"""Figures put together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from serve.crm.accounts.endpoints import accounts
from serve.crm.accounts.tree import with_all_below
from serve.crm.figures import queries
from serve.crm.figures.queries import moments_of
from serve.crm.figures.rules import WORDS, health, together
from serve.crm.figures.schemas import DaysAsked
from serve.crm.funnel import service as funnel
from serve.crm.funnel.rules import share, span_of
from serve.crm.funnel.schemas import LeadsAsked, RepliesAsked
from serve.kernel.db import Transaction

YEAR = timedelta(days=364)


async def sales(db: Transaction, asked: DaysAsked) -> dict[str, Any]:
    """Raises Invalid."""
    span = span_of(asked.date_start, asked.date_end, today=datetime.now(UTC).date())
    within = moments_of(span)
    won = await queries.won(db, within)
    won_count, lost_count = sum(row["count"] for row in won), await queries.lost_count(db, within)
    quotes = await queries.quotes(db, within)
    return {
        "date_start": span[0],
        "date_end": span[1],
        "won": by_currency(won),
        "lost_count": lost_count,
        "win_rate": share(won_count, won_count + lost_count),
        **{f"quotes_{what}": _part(quotes, what) for what in ("sent", "accepted", "declined", "open")},
        "billed": [dict(row) for row in await queries.billed(db, within)],
        "pipeline": [dict(row) for row in await queries.pipeline(db)],
        "by_owner": _by_owner(won),
    }


async def analytics(db: Transaction, asked: DaysAsked) -> dict[str, Any]:
    """Raises Invalid."""
    span = span_of(asked.date_start, asked.date_end, today=datetime.now(UTC).date())
    within, days = moments_of(span), {"date_start": span[0], "date_end": span[1]}
    steps = await funnel.funnel(db, LeadsAsked(**days))
    rows = await queries.accounts(db, within)
    return {
        **days,
        "funnel": {name: value for name, value in steps.items() if name not in {*days, "by_source"}},
        "first_reply": await funnel.replies(db, RepliesAsked(**days)),
        "accounts": {
            "total_count": sum(row["count"] for row in rows),
            "by_status": _counts(rows, "status"),
            "by_segment": _counts(rows, "segment"),
            "new_count": sum(row["new_count"] for row in rows),
            "churned_count": sum(row["churned_count"] for row in rows),
        },
        "contact_count": await queries.contact_count(db),
        "tickets": await queries.tickets(db, within),
    }


async def enterprise(db: Transaction) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    within = moments_of((today - YEAR, today))
    rows = await queries.accounts(db, within, "enterprise")
    return {
        "client_count": sum(row["count"] for row in rows),
        "by_status": _counts(rows, "status"),
        "high_risk_count": sum(row["high_risk_count"] for row in rows),
        "unscored_count": sum(row["unscored_count"] for row in rows),
        **await queries.clients(db, within),
    }


async def health_of(db: Transaction, account_id: UUID) -> dict[str, Any]:
    """Raises AccountNotFound."""
    today = datetime.now(UTC).date()
    ids = await with_all_below(db, account_id)
    if not ids:
        await accounts.get(db, account_id)  # it may have been merged into another one, and says so
        raise accounts.NotFound
    found = await queries.of_accounts(db, ids, moments_of((today - YEAR, today)))
    for facts in found.values():
        facts["overdue_count"] = sum(row["count"] for row in facts["overdue"])
        facts["health"], facts["because"] = health(facts)
        del facts["status"]
    return found[str(account_id)] | {"with_children": _together(list(found.values()))}


def _together(each: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several accounts as one: amounts and counts added up, the last moment of each kind."""
    words = Counter(facts["health"] for facts in each)
    word, because = together(words)
    return {
        "account_count": len(each),
        "by_health": {name: words[name] for name in WORDS},
        "health": word,
        "because": because,
        **{name: by_currency(row for facts in each for row in facts[name]) for name in ("billed", "overdue")},
        **{name: sum(facts[name] for facts in each) for name in each[0] if name.endswith("_count")},
        **{
            name: max((facts[name] for facts in each if facts[name] is not None), default=None)
            for name in ("last_job_at", "last_ticket_at", "last_invoice_at")
        },
    }


def by_currency(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the same currency added up.

    >>> by_currency([{"currency": "EUR", "count": 1, "cents": 5}, {"currency": "EUR", "count": 2, "cents": 1}])
    [{'currency': 'EUR', 'count': 3, 'cents': 6}]
    """
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        count, cents = sums.get(row["currency"], (0, 0))
        sums[row["currency"]] = count + row["count"], cents + row["cents"]
    return [{"currency": code, "count": sums[code][0], "cents": sums[code][1]} for code in sorted(sums)]


def _by_owner(won: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    by_owner: dict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for row in won:
        by_owner[row["owner_id"]].append(row)
    told = [
        {"user_id": owner, "won_count": sum(row["count"] for row in rows), "won": by_currency(rows)}
        for owner, rows in by_owner.items()
    ]
    return sorted(told, key=lambda each: -each["won_count"])[: queries.MOST_SELLERS]


def _part(rows: Iterable[Mapping[str, Any]], what: str) -> list[dict[str, Any]]:
    return [
        {"currency": row["currency"], "count": row[f"{what}_count"], "cents": row[f"{what}_cents"]}
        for row in rows
        if row[f"{what}_count"]
    ]


def _counts(rows: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row[name]] = counts.get(row[name], 0) + row["count"]
    return counts
