"""Asking a geocoder: never what was answered within a day, and one question at a time, whichever process asks.

Both stand in the database. What was asked stands there as a hash, because an address may be a person's; an answer is
the tenant's alone, because others may have agreed to other terms. Turns are the service's, whoever asks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.envelope import dumps
from serve.kernel.errors import OutsideFailed
from serve.kernel.ratelimit import Key, Rate, SharedDebts
from serve.ports.geocoding import Found, Geocoder

KEPT: Final = "1 day"
LONGEST_WAIT_S: Final = 5.0

_KNOWN = f"""
    select places from geocoder_answers
    where tenant_id = $1 and question = $2 and asked_at > now() - interval '{KEPT}'
"""
_FORGET = f"delete from geocoder_answers where tenant_id = $1 and asked_at < now() - interval '{KEPT}'"
_KEEP = """
    insert into geocoder_answers (tenant_id, question, places) values ($1, $2, $3)
    on conflict (tenant_id, question) do update set places = excluded.places, asked_at = now()
"""


class ManyWait(OutsideFailed):
    """Others have taken the next turns."""


async def ask(
    database: Database, caller: Caller, geocoder: Geocoder, address: str, country: str | None
) -> list[Found]:
    """Places for the address, the likeliest first; perhaps after some seconds. No transaction is held meanwhile.

    Raises ManyWait, or what calls outside raise.
    """
    asked = geocoder.question(address, country=country)
    base_url = geocoder.settings.base_url.rstrip("/")
    question = _mark(base_url, asked)
    async with database.transaction(caller) as db:
        known = await db.fetch_one(_KNOWN, caller.tenant_id, question)
    if known is not None:
        return [Found.model_validate(place) for place in known["places"]]
    await asyncio.sleep(await turn(database, base_url, geocoder.settings.every_s, name=geocoder.name))
    found = await geocoder.find(asked)
    async with database.transaction(caller) as db:
        await db.execute(_FORGET, caller.tenant_id)
        await db.execute(_KEEP, caller.tenant_id, question, [each.model_dump() for each in found])
    return found


async def turn(database: Database, base_url: str, every_s: float, *, name: str = "The geocoder") -> float:
    """Seconds until one's turn, which is taken. Raises ManyWait."""
    if not every_s:
        return 0.0
    key: Key = ("geocoder", _mark(base_url))
    rate = Rate(60 / every_s, burst=1 + int(LONGEST_WAIT_S / every_s))
    is_admitted, (debt_s,) = await SharedDebts(database).take([(key, rate)])
    if not is_admitted:
        said = f"{name} is asked one question at a time, and many wait."
        raise ManyWait(name, said, wait_s=debt_s + rate.interval_s - rate.most_s)
    return max(0.0, debt_s - rate.interval_s)


def _mark(base_url: str, asked: Mapping[str, Any] | None = None) -> str:
    return sha256(dumps([base_url, asked])).hexdigest()
