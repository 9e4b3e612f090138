"""Seals what happened: batches of settled events, each with the hash of the one before it."""

from __future__ import annotations

import logging

import orjson

from serve.kernel.db import Database

log = logging.getLogger("throughline.audit")

SEAL_EVERY_S = 5.0
MOST_EVENTS = 1000


async def seal(database: Database) -> int:
    """Seal everything that has settled, for every tenant; how many batches that made. ``database`` is the worker's.

    The log gets each new hash: kept outside of the database, it proves that later ones go on from here.
    """
    made, latest = 0, -1
    while latest:
        async with database.transaction() as db:
            seals = await db.fetch(
                "select tenant_id, number, event_count, encode(hash, 'hex') as hash from seal_events($1)",
                MOST_EVENTS,
            )
        for one in seals:
            log.info(orjson.dumps({"sealed": dict(one)}).decode())
        latest = sum(one["event_count"] == MOST_EVENTS for one in seals)  # whose backlog may be longer
        made += len(seals)
    return made
