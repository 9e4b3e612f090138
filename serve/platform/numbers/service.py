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
_TAKEN = "select 1 as taken from {table} where tenant_id = $1 and number = $2"


async def next_number(db: Transaction, series: str, *, among: str) -> str:
    """The next number of the series (its letters, such as ``Q``), in the year that it is where the tenant is.

    ``among`` is the table of the papers: a number that somebody has given one of them by hand is passed over.
    """
    while True:
        row = await db.fetch_one(_NEXT, db.caller.tenant_id, series)
        assert row is not None
        number = f"{series}-{row['year']}-{row['last_number']:04d}"
        if await db.fetch_one(_TAKEN.format(table=among), db.caller.tenant_id, number) is None:
            return number
