"""The versions of the API as they are, and when the tenant gives up calls that go away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from serve.kernel.db import Database, Record, Transaction
from serve.kernel.etag import PROGRAM
from serve.kernel.following import Followed
from serve.kernel.retirement import Sunsets
from serve.platform.versions.rules import VERSIONS, Call, check_sunsets
from serve.platform.versions.schemas import SunsetsChange

_OWN = "select method, route, sunset_on from api_sunsets where tenant_id = $1 and sunset_on is not null"
_SET = """
    insert into api_sunsets (tenant_id, method, route, sunset_on) values ($1, $2, $3, $4)
    on conflict (tenant_id, method, route) do update set sunset_on = excluded.sunset_on
        where api_sunsets.sunset_on is distinct from excluded.sunset_on
"""
_USERS = """
    select r.*, m.full_name from (
        select method, route, user_id, count(*) as call_count, max(requested_at) as last_at from api_requests
        where tenant_id = $1 and requested_at > now() - interval '30 days' and route = any ($2::text[])
        group by method, route, user_id
    ) r
    left join (select distinct on (user_id) user_id, full_name from tenant_members() order by user_id) m
        on m.user_id = r.user_id
    order by r.call_count desc, r.last_at desc
"""


class Watch:
    """Keeps the days of all tenants as their rows say."""

    def __init__(self, database: Database, sunsets: Sunsets) -> None:
        self._rows, self._sunsets = Followed(database, "api_sunsets_since"), sunsets

    async def look(self) -> None:
        """Take over what has changed since the last look."""
        for own in await self._rows.news():
            day = date.fromisoformat(own["sunset_on"]) if own["sunset_on"] else None
            self._sunsets.set_own(UUID(own["tenant_id"]), own["method"], own["route"], day)


async def change(db: Transaction, asked: SunsetsChange, calls: Mapping[Call, Mapping[str, Any]]) -> None:
    """Set all of the tenant's own days; what is not sent is gone. Raises SunsetsInvalid."""
    sent = [((each.method, each.route), each.sunset_on) for each in asked.sunsets]
    before = await _own(db)
    # A day that has passed stays as it is; only a new one must not lie in the past.
    check_sunsets(
        [(call, day) for call, day in sent if before.get(call) != day], calls, datetime.now(UTC).date()
    )
    wanted = dict(sent)
    for call in sorted({*before, *wanted}):
        await db.execute(_SET, db.caller.tenant_id, *call, wanted.get(call))


async def shown(db: Transaction, calls: Mapping[Call, Mapping[str, Any]]) -> dict[str, Any]:
    """The registry, with what the tenant still uses of what goes away."""
    own, users = await _own(db), await _users(db, calls)
    current = next(version for version in VERSIONS if version.status == "current")
    return {
        "current_version": current.version,
        "program_version": PROGRAM,
        "versions": [version._asdict() for version in VERSIONS],
        "deprecated_versions": [version.version for version in VERSIONS if version.status == "deprecated"],
        "migration_path": {
            f"{method} {route}": facts["successor"]
            for (method, route), facts in calls.items()
            if facts["successor"]
        },
        "deprecated_calls": [
            {
                "method": call[0],
                "route": call[1],
                "since": facts["since"],
                "sunset_on": facts["sunset"],
                "own_sunset_on": own.get(call),
                "successor": facts["successor"],
                "users": users[call],
            }
            for call, facts in calls.items()
        ],
        "documentation": "/openapi.json",
    }


async def _own(db: Transaction) -> dict[Call, date]:
    rows = await db.fetch(_OWN, db.caller.tenant_id)
    return {(row["method"], row["route"]): row["sunset_on"] for row in rows}


async def _users(db: Transaction, calls: Mapping[Call, Any]) -> dict[Call, list[dict[str, Any]]]:
    found: dict[Call, list[dict[str, Any]]] = defaultdict(list)
    rows: list[Record] = []
    if calls:
        rows = await db.fetch(_USERS, db.caller.tenant_id, [route for _, route in calls])
    for row in rows:
        shown = {name: row[name] for name in ("user_id", "full_name", "call_count", "last_at")}
        found[row["method"], row["route"]].append(shown)
    return found
