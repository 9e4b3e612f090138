"""The security page, put together: checks, what happened, threats, controls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from serve.identity.security.controls import checklist
from serve.identity.security.errors import ThreatAcknowledged
from serve.identity.security.facts import facts
from serve.identity.security.models import control_attestations
from serve.identity.security.models import threats as threats_table
from serve.identity.security.posture import FORMULA, WEIGHTS, Check, Found, level, score
from serve.identity.security.posture_checks import looked_at
from serve.identity.security.posture_schemas import (
    AttestationFields,
    AttestationRead,
    PostureQuery,
    ThreatFields,
    ThreatRead,
)
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources import Resource, Row
from serve.kernel.resources.declaration import values_of

MOST_IDS, MOST_THREATS = 50, 20
LONGEST = timedelta(days=400)  # a yearly review, and some weeks to do it

threats = Resource(
    threats_table,
    fields=ThreatFields,
    read=ThreatRead,
    calls=("list", "get"),
    path="/api/v1/security/threats",
    permission="security",
)
attestations = Resource(
    control_attestations,
    fields=AttestationFields,
    read=AttestationRead,
    calls=("list", "get", "delete"),
    path="/api/v1/security/attestations",
    permission="security",
)

_OPEN = f"""
    select {", ".join(threats.columns)} from threats
    where tenant_id = $1 and acknowledged_at is null and deleted_at is null order by last_at desc limit {MOST_THREATS}
"""
_NEWEST = """
    select distinct on (control) control, id, verdict, statement, user_id, created_at as attested_at, valid_until
    from control_attestations where tenant_id = $1 and deleted_at is null order by control, created_at desc, id desc
"""


async def posture(db: Transaction, asked: PostureQuery, installation: Any) -> dict[str, Any]:
    """Everything, or what was asked for. What a person vouches for counts in the checklist, not in the score."""
    now = datetime.now(UTC)
    looked, activity = await facts(db, installation)
    everything = looked_at(looked)
    found = [each for each in everything if _is_asked(each[0], asked)]
    said = {
        row["control"]: {name: row[name] for name in row if name != "control"}
        for row in map(dict, await db.fetch(_NEWEST, db.caller.tenant_id))
    }
    failed = [check.severity for check, each in found if each.verdict == "failed"]
    return {
        "security_level": level(found),
        "score": score(found),
        "score_formula": FORMULA,
        "failed": {severity: failed.count(severity) for severity in WEIGHTS},
        "checks": [_shown(*each) for each in sorted(found, key=_rank)],
        "activity": activity,
        "threats": [dict(row) for row in await db.fetch(_OPEN, db.caller.tenant_id)],
        "compliance": checklist(everything, said, now.date(), asked.compliance),
        "looked_at": now,
    }


def _is_asked(check: Check, asked: PostureQuery) -> bool:
    heavy = asked.security_level is None or WEIGHTS[check.severity] >= WEIGHTS[asked.security_level]
    return heavy and (asked.features is None or check.feature in asked.features)


def _rank(each: tuple[Check, Found]) -> tuple[int, int]:
    check, found = each
    return ["failed", "unknown", "passed"].index(found.verdict), -WEIGHTS[check.severity]


def _shown(check: Check, found: Found) -> dict[str, Any]:
    is_done = found.verdict == "passed"
    return {
        **{name: getattr(check, name) for name in ("name", "feature", "severity", "title")},
        **{name: getattr(found, name) for name in ("verdict", "said", "count", "of")},
        "ids": list(found.ids[:MOST_IDS]),
        "to_do": None if is_done else check.to_do,
        "call": None if is_done else check.call,
    }


async def acknowledge(db: Transaction, threat_id: UUID) -> Row:
    """Raises threats.NotFound or ThreatAcknowledged."""
    row = await threats.get(db, threat_id, lock=True)
    if row["acknowledged_at"] is not None:
        raise ThreatAcknowledged
    changes = {"acknowledged_at": datetime.now(UTC), "acknowledged_by": db.caller.user_id}
    return await threats.update(db, row, changes, event="threat.acknowledged")


async def attest(db: Transaction, written: AttestationFields) -> Row:
    """Raises Invalid for a word that counts for ever, or no longer."""
    today = datetime.now(UTC).date()
    if not today <= written.valid_until <= today + LONGEST:
        raise Invalid(details=[("valid_until", f"must lie between today and {today + LONGEST}")])
    return await attestations.insert(db, values_of(written, sent_only=False) | {"user_id": db.caller.user_id})
