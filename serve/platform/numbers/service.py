"""Numbers of papers: ``Q-2026-0001``, one after the other within a tenant's year.

A number is taken in the transaction that makes the paper. Whoever takes one holds the series until then, so what is
rolled back leaves no gap and no two papers have one number.
"""

from __future__ import annotations

from serve.kernel.db import Transaction

_NEXT = """
    insert into number_series as s (tenant_id, series, year, last_number)
    select t.id, $2, extract(year from now() at time zone t.timezone)::integer, 1 from tenants t where t.id = $1
    on conflict (tenant_id, series, year) do update set last_number = s.last_number + 1
    returning year, last_number
"""


async def next_number(db: Transaction, series: str) -> str:
    """The next number of the series (its letters, such as ``Q``), in the year that it is where the tenant is."""
    row = await db.fetch_one(_NEXT, db.caller.tenant_id, series)
    assert row is not None
    return f"{series}-{row['year']}-{row['last_number']:04d}"
