"""Watches attempts to come in: the reader ``threats`` of the relay. It says where each came from, and what looks wrong.

Beside the requests and not in them: whoever logs in does not wait for it, and a known account takes no longer than an
unknown one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from serve.identity.security.places import country_of
from serve.identity.security.threats import EVIDENCE, LOOK_BACK, SignIn, Threat, of_address, of_person
from serve.kernel.db import Record, Transaction
from serve.kernel.events import event, note_security
from serve.kernel.relay import act_because_of

FRESH = timedelta(days=1)
"""Older ones were told when they happened, or before anybody watched."""
MOST = 2_000  # attempts of one person or address that are looked at, the newest

for _name, _meaning in {
    "threat.impossible_travel": "The person came in from two countries too far apart for the time between.",
    "threat.new_country": "The person came in from a country for the first time.",
    "threat.attacked_account": "Many failed to come in as the person within minutes, from several addresses.",
    "threat.credential_stuffing": "One address failed to come in as many people within minutes.",
}.items():
    event(f"{_name}", f"{_meaning} `after` has what was seen.", category="security")
event("threat.acknowledged", "Somebody has dealt with what looked like an attack.")

_UNPLACED = """
    select id, address from sign_ins
    where tenant_id = $1 and country is null and address is not null
        and happened_at > $2::timestamptz - interval '1 day'
    order by happened_at desc limit 1000
"""
_PLACE = """
    update sign_ins s set country = found.country
    from unnest($2::uuid[], $3::text[]) as found (id, country)
    where s.tenant_id = $1 and s.id = found.id and s.country is null
"""
REFUSED = frozenset({"login.failed", "code.refused"})
"""A wrong password, and a wrong second factor behind a right one: whoever gives that knows the password."""
TRIES = REFUSED | {"login.succeeded"}
_ATTEMPTS = """
    select user_id, happened_at, outcome = 'succeeded' as succeeded, address, country from sign_ins
    where tenant_id = $1 and {} = $2 and happened_at > $3::timestamptz - $4::interval
    order by happened_at desc limit $5
"""
_OF_PERSON, _OF_ADDRESS = _ATTEMPTS.format("user_id"), _ATTEMPTS.format("address")
_KEEP = """
    insert into threats (tenant_id, kind, severity, key, user_id, first_at, last_at, evidence)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (tenant_id, kind, key) do nothing
    returning id
"""


async def watch(db: Transaction, events: Sequence[Record]) -> None:
    """Look at everybody whom these events say to have tried to come in."""
    tenants: dict[str, list[Record]] = defaultdict(list)
    for each in events:
        if each["name"] in TRIES:
            tenants[each["tenant_id"]].append(each)
    for attempts in tenants.values():
        await act_because_of(db, attempts[-1])
        await _look(db, attempts)


async def _look(db: Transaction, attempts: Sequence[Record]) -> None:
    newest = attempts[-1]
    tenant_id, now = newest["tenant_id"], newest["happened_at"]
    await _place(db, newest)
    for user_id in dict.fromkeys(each["entity_id"] for each in attempts):
        rows = await db.fetch(_OF_PERSON, tenant_id, user_id, now, LOOK_BACK, MOST)
        await _keep(db, newest, of_person(map(_sign_in, rows)))
    for address in dict.fromkeys(_address(each) for each in attempts if each["name"] in REFUSED):
        if address:
            rows = await db.fetch(_OF_ADDRESS, tenant_id, address, now, timedelta(days=30), MOST)
            await _keep(db, newest, of_address(address, map(_sign_in, rows)))


async def _place(db: Transaction, newest: Record) -> None:
    """Write down the countries of what came in since the last look."""
    rows = await db.fetch(_UNPLACED, newest["tenant_id"], newest["happened_at"])
    found = [(row["id"], country_of(row["address"])) for row in rows]
    placed = [(row_id, country) for row_id, country in found if country]
    if placed:
        ids, countries = zip(*placed, strict=True)
        await db.execute(_PLACE, newest["tenant_id"], list(ids), list(countries))


async def _keep(db: Transaction, because: Record, found: Iterable[Threat]) -> None:
    for threat in found:
        if threat.last_at < because["happened_at"] - FRESH:
            continue
        row = await db.fetch_one(
            _KEEP,
            *(because["tenant_id"], threat.kind, threat.severity, threat.key, threat.user_id),
            *(threat.first_at, threat.last_at, {name: threat.evidence.get(name) for name in EVIDENCE}),
        )
        if row is None:  # told before
            continue
        about = ("user", threat.user_id) if threat.user_id else ("threat", row["id"])
        detail = {"threat_id": row["id"], "severity": threat.severity, **threat.evidence}
        await note_security(db, f"threat.{threat.kind}", *about, detail)


def _sign_in(row: Record) -> SignIn:
    return SignIn(
        UUID(row["user_id"]), *(row[name] for name in ("happened_at", "succeeded", "address", "country"))
    )


def _address(attempt: Record) -> str | None:
    found: str | None = (attempt["after"] or {}).get("address")
    return found
