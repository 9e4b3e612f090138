"""A lead is scored, and analysed; each answer is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from ml.registry import Registry
from serve.crm.assignment.rules import OPEN
from serve.crm.leads.store import leads
from serve.crm.scoring.errors import LeadClosed, NoModelYet, NotAnalysed
from serve.crm.scoring.features import NAMES, features_of
from serve.crm.scoring.predicting import answers, model_of
from serve.crm.scoring.rules import next_step
from serve.crm.scoring.schemas import LeadScore
from serve.kernel.db import Transaction
from serve.kernel.envelope import dumps
from serve.kernel.resources import Row

SCORED = "lead.scored"
CLOSED = "what became of it is known"
_SHOWN = ", ".join(LeadScore.model_fields)
_KEEP = f"""
    insert into lead_analyses
        (tenant_id, lead_id, score, reasons, features, model, unscored_because, as_of_at, facts, cause, user_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'asked', $10)
    returning {_SHOWN}, facts
"""
_NEWEST = f"""
    select {_SHOWN}, facts from lead_analyses where lead_id = $1 and facts is not null
    order by created_at desc, id desc limit 1
"""
_SCORES = f"""
    select {_SHOWN}, count(*) over () as total from lead_analyses where lead_id = $1 and score is not null
    order by created_at desc, id desc limit $2 offset $3
"""
# The newest analysis stays however many scores came after it: it is what `GET …/analysis` shows.
_FORGET = """
    delete from lead_analyses where id in (
        select n.id from (
            select a.id, row_number() over newest as place,
                row_number() over (partition by a.lead_id, a.facts is null order by a.created_at desc, a.id desc)
                    as place_of_kind, a.facts
            from lead_analyses a where a.lead_id = any ($1::uuid[])
            window newest as (partition by a.lead_id order by a.created_at desc, a.id desc)
        ) n
        where n.place > $2 and not (n.facts is not null and n.place_of_kind = 1)
    )
"""
_KNOWN = """
    select coalesce((
            select jsonb_object_agg(k.kind, k.count) from (
                select a.kind, count(*) from lead_activities a
                where a.lead_id = $1 and a.deleted_at is null group by a.kind
            ) k
        ), '{}') as activity_counts,
        (select max(a.happened_at) from lead_activities a
            where a.lead_id = $1 and a.deleted_at is null and a.direction = 'in') as last_in_at,
        (select max(a.happened_at) from lead_activities a
            where a.lead_id = $1 and a.deleted_at is null and a.direction = 'out') as last_out_at,
        (select count(*) from notes n where n.lead_id = $1 and n.deleted_at is null) as note_count,
        s.closed_count, s.won_count
    from (
        select count(*) as closed_count, count(*) filter (where l.status = 'won') as won_count from leads l
        where l.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and l.source = $2
            and l.status in ('won', 'lost') and l.deleted_at is null and l.id <> $1
            and coalesce(l.won_at, l.lost_at) > $3::timestamptz - interval '365 days'
    ) s
"""


async def score(db: Transaction, registry: Registry, lead_id: UUID, *, kept: int) -> dict[str, Any]:
    """``kept`` is how many answers stay of each lead. Raises LeadNotFound, LeadClosed or NoModelYet."""
    lead = await leads.get(db, lead_id, lock=True)
    if lead["status"] not in OPEN:
        raise LeadClosed
    told = await _keep(db, lead, await _scored(db, registry, lead, datetime.now(UTC)), None)
    await forget(db, [lead["id"]], kept)
    del told["facts"]
    return told


async def forget(db: Transaction, lead_ids: Sequence[str], kept: int) -> None:
    """Of these leads all but the newest answers go, so that the table grows with leads and not with time."""
    await db.execute(_FORGET, lead_ids, kept)


async def analyse(db: Transaction, registry: Registry, lead_id: UUID, *, kept: int) -> dict[str, Any]:
    """Without a model, or for a closed lead, it says why there is no score. Raises LeadNotFound."""
    now = datetime.now(UTC)
    lead = await leads.get(db, lead_id, lock=True)
    scored: dict[str, Any] = {}
    if lead["status"] not in OPEN:
        scored["unscored_because"] = CLOSED
    else:
        try:
            scored = await _scored(db, registry, lead, now)
        except NoModelYet as missing:
            scored["unscored_because"] = missing.details[0][1]
    told = await _keep(db, lead, scored, await _facts(db, lead, now))
    await forget(db, [lead["id"]], kept)
    return told


async def newest_analysis(db: Transaction, lead_id: UUID) -> dict[str, Any]:
    """Raises LeadNotFound or NotAnalysed."""
    await leads.get(db, lead_id)
    found = await db.fetch_one(_NEWEST, lead_id)
    if found is None:
        raise NotAnalysed
    return dict(found)


async def scores(db: Transaction, lead_id: UUID, window: tuple[int, int]) -> tuple[list[dict[str, Any]], int]:
    """(a page of the answers about a lead, how many there are), the newest first. Raises LeadNotFound."""
    await leads.get(db, lead_id)
    found = [dict(row) for row in await db.fetch(_SCORES, lead_id, *window)]
    totals = [row.pop("total") for row in found]
    if not found and window[1]:
        return [], (await scores(db, lead_id, (1, 0)))[1]
    return found, totals[0] if totals else 0


async def _scored(db: Transaction, registry: Registry, lead: Row, now: datetime) -> dict[str, Any]:
    model = await model_of(registry, db.caller.tenant_id)
    (features,) = await features_of(db, [lead["id"]], now)
    (answer,) = await answers(model, [features])
    changes = {"score": answer.score, "score_reasons": answer.reasons, "scored_at": now}
    await leads.update(db, lead, changes, event=SCORED)
    return {
        "score": answer.score,
        "reasons": answer.reasons,
        "features": shown(features),
        "model": dict(model.about),
        "as_of_at": features["as_of_at"],
    }


def shown(features: Mapping[str, Any]) -> dict[str, Any]:
    """The features that are kept: not the attributes of a snapshot, which may say anything of a person."""
    return {name: features[name] for name in NAMES}


async def _facts(db: Transaction, lead: Row, now: datetime) -> dict[str, Any]:
    known = await db.fetch_one(_KNOWN, lead["id"], lead["source"], now)
    assert known is not None
    closed, won = known["closed_count"], known["won_count"]
    facts = {
        "age_s": max((now - lead["created_at"]).total_seconds(), 0.0),
        "first_reply_s": lead["first_reply_s"],
        **{name: known[name] for name in ("activity_counts", "last_in_at", "last_out_at", "note_count")},
        "similar": {"closed_count": closed, "won_count": won, "won_share": won / closed if closed else None},
    }
    said: dict[str, Any] = orjson.loads(dumps(facts | {"next_step": next_step(lead, facts, now)}))
    return said


async def _keep(
    db: Transaction, lead: Row, scored: Mapping[str, Any], facts: Mapping[str, Any] | None
) -> dict[str, Any]:
    kept = await db.fetch_one(
        _KEEP,
        *(db.caller.tenant_id, lead["id"], scored.get("score"), scored.get("reasons", [])),
        *(scored.get("features", {}), scored.get("model"), scored.get("unscored_because")),
        *(scored.get("as_of_at"), facts, db.caller.user_id if db.caller.user_id.int else None),
    )
    assert kept is not None
    return dict(kept)
