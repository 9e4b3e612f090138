"""Somebody brings an erased person back, by an import or by hand: it is noticed, said, and left to people to decide."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from serve.identity.privacy.people import OWN, keyed_hash
from serve.identity.privacy.registry import PEOPLE
from serve.kernel.db import Record, Transaction
from serve.kernel.events import emit, event
from serve.kernel.relay import act_because_of

RETURNED = event(
    "person.returned",
    "A row has the address or number of somebody who was erased: look whether that is right.",
    permission="privacy:read",
)
_NAMES = tuple(f"{kind}.{verb}" for kind in PEOPLE for verb in ("created", "updated", "restored"))
_ROWS = "select id, email, phone from {table} where " + OWN + " and id = any($1::uuid[])"
_LISTED = f"select hash from privacy_suppressions where {OWN} and hash = any($1::bytea[])"


async def notice(db: Transaction, events: Sequence[Record], *, secret: str) -> None:
    """A reader of events: rows that are new or changed are compared with what was erased."""
    concerned = [each for each in events if each["name"] in _NAMES]
    by_tenant = sorted(concerned, key=lambda each: (each["tenant_id"], each["entity_type"]))
    for (_, kind), several in groupby(by_tenant, key=lambda each: (each["tenant_id"], each["entity_type"])):
        batch = list(several)
        await act_because_of(db, batch[-1])
        if not await db.fetch(f"select 1 as found from privacy_suppressions where {OWN} limit 1"):
            continue
        ids = sorted({each["entity_id"] for each in batch})
        for row in await db.fetch(_ROWS.format(table=PEOPLE[kind]), ids):
            await _compare(db, kind, row, secret)


async def _compare(db: Transaction, kind: str, row: Any, secret: str) -> None:
    hashes = {keyed_hash(secret, name, row[name]): name for name in ("email", "phone") if row[name]}
    listed = await db.fetch(_LISTED, list(hashes)) if hashes else []
    if listed:
        known_by = sorted(hashes[bytes(each["hash"])] for each in listed)
        await emit(db, RETURNED, kind, row["id"], {"known_by": known_by})
