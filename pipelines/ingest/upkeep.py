"""Small duties around ingest: partitions for the readings to come, rows in quarantine tried again."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta

import duckdb
import psycopg

from pipelines.ingest.operational import SOURCE, covered
from warehouse.contracts import load_contracts
from warehouse.landing import Landing, Load
from warehouse.landing.zone import replay
from warehouse.postgres import Address
from warehouse.settings import Home

AHEAD = timedelta(days=62)
KEPT_MONTHS = 36


def ensure_partitions(address: Address) -> int:
    """Make telemetry's partitions from last month to two months ahead; returns how many were missing."""
    today = datetime.now(UTC).date()
    with psycopg.connect(address.url("worker")) as connection:
        period = [today - timedelta(days=31), today + AHEAD]
        row = connection.execute("select ensure_telemetry_partitions(%s, %s)", period).fetchone()
    return int(row[0]) if row else 0


def archive_telemetry(address: Address, landing: Landing, *, months: int | None = None) -> list[str]:
    """Take months of readings out of the table that are older than ``months`` and have landed; their new names.

    ``months`` is TELEMETRY_MONTHS unless given; 0 keeps everything in the table. Archived rows are still read when
    everything is read again, so nothing that the warehouse knows gets lost.
    """
    months = int(os.environ.get("TELEMETRY_MONTHS") or KEPT_MONTHS) if months is None else months
    mark = covered(load for load in landing.live() if (load.source, load.table) == (SOURCE, "telemetry"))
    if not months or mark is None:
        return []
    with psycopg.connect(address.url("worker")) as connection:
        row = connection.execute(
            "select archive_telemetry((now() - make_interval(months => %s))::date, %s)",
            [months, mark["high"]],
        ).fetchone()
    return list(row[0]) if row else []


def replay_quarantine(home: Home, *, source: str | None = None, table: str | None = None) -> list[Load]:
    """Check quarantined rows against today's contracts; what passes lands, the rest is set apart again."""
    landing, contracts = Landing(home), load_contracts()
    chosen = [
        (its_source, its_table)
        for its_source, its_table in landing.pending_quarantine()
        if source in (None, its_source) and table in (None, its_table) and its_table in contracts
    ]
    loads: list[Load] = []
    with landing.writer(uuid.uuid4().hex) as writer, duckdb.connect() as engine:
        engine.execute("set TimeZone = 'UTC'")
        for its_source, its_table in chosen:
            load = replay(writer, engine, its_source, contracts[its_table])
            loads += [load] if load else []
    return loads
