"""Leads that have an address and lie nowhere get coordinates, whichever way they came; nobody who writes waits for it.

The row says itself that it waits: it has an address, no coordinates, and was not looked up since the address changed.
What the tenant knows goes first; its geocoder, where there is one, is asked what that does not say well enough, one
address at a time. An address that nobody knows is remembered (``located_at``) and looked up again when it changes, when
a place of the tenant there is new or has moved, or when the geocoder's settings have changed.

One process looks after a tenant at a time: it has the tenant's turn (``rate_limits``), which ends by itself if it dies.
A geocoder that fails keeps that turn for a while, so it rests for all processes.
"""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.places.asking import ManyWait, ask
from serve.crm.places.cells import cell_of
from serve.crm.places.geocoding import SURE, Area, known_areas
from serve.kernel.caller import Caller
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import NotConfigured, OutsideFailed
from serve.kernel.events import event
from serve.kernel.ratelimit import Rate, SharedDebts
from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.sweeping import sweep
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current
from serve.ports.geocoding import Found, Geocoder
from serve.ports.way import OutsideAddressRefused, OutsideRefused, Ways

log = logging.getLogger("throughline.leads")

EVERY_S = 10.0
BATCH = 2_000
MOST_BATCHES = 20
ASKING_S = 45.0
"""So long at most the geocoder of a tenant is asked, one address after the other, before others have their turn."""
LEASE_S = 180.0
"""Longer than that takes, with one question that is waited for. From then on another process may take over."""
REST_S = 60.0
"""After a failure of the geocoder."""
CROWDED_S = 5.0
"""Where others have taken the next turns."""

LOCATED = event(
    "lead.located",
    "The platform found where the lead lies, by its address: `after` has the coordinates and their source.",
)
_UNREADABLE = frozenset({400, 414, 422})
"""Answers of a geocoder to an address that says nothing to it: others will."""
_LEASE = Rate(60 / LEASE_S, burst=1)
_TENANTS = "select tenant_id from tenants_with_leads_to_locate($1, $2)"
_NOWHERE = """
    {leads}.latitude is null and {leads}.deleted_at is null
    and ({leads}.city is not null or {leads}.postcode is not null)
    and {leads}.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
"""
_LOOK_AGAIN = f"""
    with news as (
        update locations set look_again_at = null
        where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and look_again_at is not null
            and deleted_at is null
        returning city, postcode
    )
    update leads l set located_at = null
    where {_NOWHERE.format(leads="l")} and l.located_at is not null
        and (l.postcode in (select postcode from news) or lower(l.city) in (select lower(city) from news))
"""
_WAITING = f"""
    select l.id, l.postcode, l.city, l.country from leads l
    where {_NOWHERE.format(leads="l")} and (l.located_at is null or l.located_at < (
        select s.updated_at from settings s
        where s.tenant_id = l.tenant_id and s.category = 'geocoding' and s.user_id is null
    ))
    limit $1
"""
# Of an address that changed meanwhile, or to which somebody gave coordinates, nothing is written; a row that somebody
# writes to at this moment comes next time.
_FREE = f"""
    with asked as (
        select * from jsonb_to_recordset($1) g (
            id uuid, postcode text, city text, country text,
            latitude float8, longitude float8, cell bigint, source text
        )
    ), free as (
        select l.id from leads l join asked g on g.id = l.id
        where {_NOWHERE.format(leads="l")}
            and (l.postcode, l.city, l.country) is not distinct from (g.postcode, g.city, g.country)
        order by l.id for no key update of l skip locked
    )
"""
_FOUND = f"""
    {_FREE}
    update leads t set latitude = g.latitude, longitude = g.longitude, cell = g.cell,
        coordinates_source = g.source, located_at = now()
    from asked g where t.id = g.id and t.id in (select id from free) returning t.id
"""
_UNKNOWN = f"{_FREE} update leads t set located_at = now() where t.id in (select id from free) returning t.id"
_NAMED = "select set_config('app.event', $1, true)"


@dataclass(slots=True)
class _Round:
    """What is known of one tenant while it is looked after. ``pause_s``: so long the next one waits for its turn."""

    database: Database
    caller: Caller
    geocoder: Geocoder | None
    until_s: float
    pause_s: float = 0.0
    is_over: bool = False
    answers: dict[Area, Mapping[str, Any] | None] = field(default_factory=dict)
    asked: set[Area] = field(default_factory=set)
    """Of the geocoder."""


async def locate_due(database: Database, ways: Ways, moment: datetime | None = None) -> int:
    """Look up the leads that wait (``moment`` is for tests); how many got coordinates.

    ``database`` acts as the worker.
    """
    moment = moment or datetime.now(UTC)

    async def locate(tenant_id: UUID) -> int:
        turns, key = SharedDebts(database), ("locating", tenant_id)
        is_mine, _ = await turns.take([(key, _LEASE)])
        if not is_mine:
            return 0
        pause_s = REST_S  # where this very work fails, too
        try:
            count, pause_s = await _look_after(database, ways, tenant_id)
            return count
        finally:
            await turns.owe({key: pause_s})

    failed = "leads of tenant %s could not be looked up"
    return await sweep(database, _TENANTS, moment, locate, log=log, failed=failed)


async def _look_after(database: Database, ways: Ways, tenant_id: UUID) -> tuple[int, float]:
    """(how many leads got coordinates, after how many seconds to come again at the soonest)."""
    caller = acting_for(tenant_id, None)
    async with database.transaction(caller) as db:
        await db.execute(_LOOK_AGAIN)
        stored = (await current(db, [CATEGORIES["geocoding"]]))["geocoding"]
    try:
        geocoder = ways.to(Geocoder, tenant_id, stored)
    except NotConfigured:
        geocoder = None
    this = _Round(database, caller, geocoder, until_s=time.monotonic() + ASKING_S)
    found = 0
    for _ in range(MOST_BATCHES):
        async with database.transaction(caller) as db:
            waiting = await db.fetch(_WAITING, BATCH)
            await _know(db, this, {_area(lead) for lead in waiting})
        if geocoder is not None:
            await _ask(this, geocoder)
        async with database.transaction(caller) as db:
            seen, count = await _write(db, this, waiting)
        found += count
        if this.is_over or not seen or len(waiting) < BATCH:
            break
    return found, this.pause_s


def _area(lead: Mapping[str, Any]) -> Area:
    return lead["postcode"], lead["city"], lead["country"]


async def _know(db: Transaction, this: _Round, areas: Collection[Area]) -> None:
    new = areas - this.answers.keys()
    this.answers |= {
        area: None if known is None else known | {"source": "known_place"}
        for area, known in (await known_areas(db, new)).items()
    }


async def _ask(this: _Round, geocoder: Geocoder) -> None:
    """Whatever is not known well enough; what could not be asked any more is answered next time."""
    unsure = [area for area, known in this.answers.items() if known is None or known["confidence"] < SURE]
    # One at which the geocoder fails each time keeps others waiting, but not always the same ones.
    random.shuffle(unsure)
    for area in unsure:
        if area in this.asked:
            continue
        if this.is_over or time.monotonic() > this.until_s:
            this.is_over = True
            del this.answers[area]
            continue
        postcode, city, country = area
        line = " ".join(part for part in (postcode, city) if part)
        try:
            found = await _found(this, geocoder, line, country)
        except ManyWait:
            this.is_over, this.pause_s = True, CROWDED_S
        except (OutsideFailed, OutsideRefused, OutsideAddressRefused) as problem:
            this.is_over, this.pause_s = True, REST_S
            log.warning("the geocoder of tenant %s rests: %s", this.caller.tenant_id, problem.detail)
        else:
            if found:
                best = max(found, key=lambda each: each.importance or 0.0)
                this.answers[area] = {
                    "latitude": best.lat,
                    "longitude": best.lon,
                    "confidence": best.importance or 0.0,
                    "source": "geocoder",
                }
            this.asked.add(area)
            continue
        del this.answers[area]


async def _found(this: _Round, geocoder: Geocoder, line: str, country: str | None) -> list[Found]:
    """Raises what ``ask`` raises."""
    try:
        return await ask(this.database, this.caller, geocoder, line, country)
    except OutsideRefused as refused:
        if refused.answer.status in _UNREADABLE:
            return []
        raise


async def _write(db: Transaction, this: _Round, waiting: Collection[Mapping[str, Any]]) -> tuple[int, int]:
    """(how many were written to, how many got coordinates)."""
    by_answer: dict[bool, list[dict[str, Any]]] = defaultdict(list)
    for lead in waiting:
        if (area := _area(lead)) in this.answers:
            answer = this.answers[area]
            by_answer[answer is not None].append({**dict(lead), **_place(answer)})
    await db.execute(_NAMED, LOCATED)
    found = await db.fetch(_FOUND, by_answer[True]) if by_answer[True] else []
    await db.execute(_NAMED, "")
    unknown = await db.fetch(_UNKNOWN, by_answer[False]) if by_answer[False] else []
    return len(found) + len(unknown), len(found)


def _place(answer: Mapping[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        return {}
    latitude, longitude = answer["latitude"], answer["longitude"]
    return {
        "latitude": latitude,
        "longitude": longitude,
        "cell": cell_of(latitude, longitude),
        "source": answer["source"],
    }
