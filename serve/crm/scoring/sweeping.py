"""Leads that changed are scored anew, some seconds later and many at once: nobody who writes waits for a model.

The database notes when something changed that the model looks at (``rescore_at``); several changes within ten seconds
are one. The worker's clock takes some hundred leads of a tenant, computes their features in one statement and asks the
model once.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from ml.registry import Registry
from serve.crm.assignment.rules import OPEN
from serve.crm.scoring.errors import NoModelYet
from serve.crm.scoring.features import features_of
from serve.crm.scoring.predicting import LeadModel, answers, model_of
from serve.crm.scoring.service import SCORED, forget, shown
from serve.kernel.db import Database, Transaction
from serve.kernel.tasks.sweeping import in_batches, sweep
from serve.settings import Settings

log = logging.getLogger("throughline.leads")

EVERY_S = 5.0
BATCH = 500
MOST_BATCHES = 20
USUALLY_KEPT: int = Settings.model_fields["lead_scores_kept"].default

_TENANTS = "select tenant_id from tenants_with_leads_to_score($1, $2)"
_WAITING = """
    select id, status from leads
    where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
        and rescore_at <= $1 and deleted_at is null
    order by rescore_at, id limit $2 for no key update skip locked
"""
_DONE = "update leads set rescore_at = null where id = any ($1::uuid[])"
_WRITE = """
    update leads t set score = g.score, score_reasons = g.reasons, scored_at = $2
    from jsonb_to_recordset($1) g (id uuid, score float8, reasons jsonb)
    where t.id = g.id and (t.score, t.score_reasons) is distinct from (g.score, g.reasons)
    returning t.id
"""
_KEEP = """
    insert into lead_analyses (tenant_id, lead_id, score, reasons, features, model, as_of_at, cause)
    select $1, g.id, g.score, g.reasons, g.features, $3, g.as_of_at, 'changed'
    from jsonb_to_recordset($2) g (id uuid, score float8, reasons jsonb, features jsonb, as_of_at timestamptz)
"""
_NAMED = "select set_config('app.event', $1, true)"


async def score_due(
    database: Database, registry: Registry, moment: datetime | None = None, *, kept: int = USUALLY_KEPT
) -> int:
    """Score the leads that changed some seconds before then (``moment`` is for tests); how many got another score.
    ``kept`` is how many answers stay of each lead.

    ``database`` acts as the worker. Without a model of the tenant there is nothing to do for its leads.
    """
    moment = moment or datetime.now(UTC)

    async def score(tenant_id: UUID) -> int:
        model: LeadModel | None = None
        with suppress(NoModelYet):
            model = await model_of(registry, tenant_id)
        some = partial(_score, model=model, moment=moment, most_kept=kept)
        return await in_batches(database, tenant_id, some, batch=BATCH, most=MOST_BATCHES)

    failed = "leads of tenant %s could not be scored"
    return await sweep(database, _TENANTS, moment, score, log=log, failed=failed)


async def _score(
    db: Transaction, model: LeadModel | None, moment: datetime, most_kept: int
) -> tuple[int, int]:
    """(how many were looked at, how many got another score)."""
    waiting = await db.fetch(_WAITING, moment, BATCH)
    await db.execute(_DONE, [lead["id"] for lead in waiting])
    open_ids = [lead["id"] for lead in waiting if lead["status"] in OPEN]
    if model is None or not open_ids:
        return len(waiting), 0
    now = datetime.now(UTC)
    features = await features_of(db, open_ids, now)
    found = [
        {
            "id": row["lead_id"],
            "score": answer.score,
            "reasons": answer.reasons,
            "features": shown(row),
            "as_of_at": row["as_of_at"].isoformat(),
        }
        for row, answer in zip(features, await answers(model, features), strict=True)
    ]
    await db.execute(_NAMED, SCORED)
    changed = {row["id"] for row in await db.fetch(_WRITE, found, now)}
    await db.execute(_NAMED, "")
    kept = [each for each in found if each["id"] in changed]
    await db.execute(_KEEP, db.caller.tenant_id, kept, dict(model.about))
    await forget(db, sorted(changed), most_kept)
    return len(waiting), len(changed)
