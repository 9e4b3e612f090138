"""Given names that stand for each other: learned where address, telephone and family name are one."""

from __future__ import annotations

import duckdb
import polars as pl

LIFT = 8
"""So many times oftener than by chance do the two names stand at one address and telephone."""


def learned(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Pairs of given names, such as Bob and Robert, from ``features.prepared``.

    Relatives share an address too, but other names in each household: a pair must come up in three families, or in two
    where both names begin alike.
    """
    with duckdb.connect() as connection:
        connection.register("rows_of", rows.to_arrow())
        return connection.sql(_LEARNED, params={"lift": LIFT}).fetchall()


_LEARNED = """
with named as (select * from rows_of where length(given) > 1),
frequent as (select given, count(*) / sum(count(*)) over () as share from named group by given),
families as (
    select distinct least(a.given, b.given) as one, greatest(a.given, b.given) as other, a.email, a.family
    from named as a join named as b using (email, phone, family) where a.given < b.given
),
seen as (select one, other, count(*) as times, sum(count(*)) over () as all_times from families group by one, other)
select one, other from seen
join frequent as f on f.given = one join frequent as g on g.given = other
where times >= case when one[1] = other[1] then 2 else 3 end
and times > $lift * all_times * 2 * f.share * g.share
order by one, other
"""
