"""The small release of the API's tests, with names that would run as scripts if anybody took them for markup."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from tests.serve.small_release import CARDS, TABLES
from warehouse.releases import ReleaseInfo, publish

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

_NAMES = f"""
update marts.churn_risk set account_name = $${HOSTILE}$$ where account_name = 'Omega, Ltd';
update marts.churn_risk set account_name = '{LONG}' where account_name = '=cmd()';
update marts.churn_risk set reasons = $$[{{"feature": "{HOSTILE.replace('"', chr(92) + '"')}", "value": "<b>x</b>",
    "effect": 1}}]$$ where risk_band = 'low';
update marts.maintenance_forecast set make = $${HOSTILE}$$;
update marts.roi set subject_name = $${HOSTILE}$$ where subject_id = 'ads';
update marts.compliance_status set kind = $${HOSTILE}$$ where kind = 'inspection';
"""


def publish_for_pages(
    releases: Path, scratch: Path, *, run_id: str, last_day_cents: int = 10_000
) -> ReleaseInfo:
    """Make a release current whose last day's revenue of tenant A is ``last_day_cents``."""
    warehouse = scratch / f"warehouse-{run_id}.duckdb"
    with duckdb.connect(str(warehouse)) as conn:
        conn.execute("set timezone = 'UTC'")
        conn.execute("create schema marts")
        conn.execute(TABLES)
        conn.execute(_NAMES)
        conn.execute(
            "update marts.kpi_daily set revenue_cents = ? where date = '2026-01-31' and revenue_cents = 10000",
            [last_day_cents],
        )
        tables = [name for (name,) in conn.execute("select table_name from duckdb_tables()").fetchall()]
    as_of = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    return publish(warehouse, releases, tables=tables, as_of=as_of, run_id=run_id, cards=CARDS)
