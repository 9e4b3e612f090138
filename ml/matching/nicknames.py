"""Given names that stand for each other: learned where address or telephone, and family name, are one."""

from __future__ import annotations

import math

import duckdb
import polars as pl

LIFT = 20
"""So many times oftener than by chance do the two names stand in one family at one address or number: husbands and
wives do so, too, but a few times oftener, for people marry within their generation."""

BY_CHANCE = 0.05
"""So many pairs of names at most are to be expected that came up by chance alone."""


def learned(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Pairs of given names, such as Bob and Robert, from ``features.prepared``.

    Relatives share a number too, but other names in each household, and where one thing is shared another mostly is
    not: a pair must come up in two families or more, oftener than chance would have it, and most of these families
    must not differ in the address where they agree in the number, or the other way about. Names that begin alike are
    fewer pairs, so fewer families are enough.
    """
    # A name that stands once cannot come up twice.
    names = rows["given"].drop_nulls().value_counts().filter(pl.col("count") > 1)["given"]
    names = names.filter(names.str.len_chars() > 1)
    begin = names.str.slice(0, 1).value_counts()["count"].cast(pl.Int64)
    alike = int((begin * (begin - 1) // 2).sum())
    pairs = {True: max(alike, 1), False: max(len(names) * (len(names) - 1) // 2 - alike, 1)}
    with duckdb.connect() as connection:
        connection.register("rows_of", rows.to_arrow())
        seen = connection.sql(_SEEN).fetchall()
    return [
        (one, other)
        for one, other, times, by_chance in seen
        if times > LIFT * by_chance and _at_least(times, by_chance) * pairs[one[0] == other[0]] < BY_CHANCE
    ]


def _at_least(times: int, by_chance: float) -> float:
    """The chance of so many where so few are expected (Poisson's first term, which is nearly all of it)."""
    return math.exp(times * math.log(by_chance) - math.lgamma(times + 1))


_SEEN = """
with named as (select * from rows_of where length(given) > 1),
frequent as (select given, count(*) / sum(count(*)) over () as share from named group by given),
alike as (
    select given, family, email, phone, 'email' as shared, email as value from named where email is not null
    union all select given, family, email, phone, 'phone', phone from named where phone is not null
),
families as (
    select a.given as one, b.given as other, a.family,
        max(coalesce(a.email = b.email, true) and coalesce(a.phone = b.phone, true)) as is_whole
    from alike as a join alike as b using (shared, value, family)
    where a.given < b.given
    group by a.given, b.given, a.family
),
seen as (
    select one, other, count(*) filter (is_whole) as times, count(*) as families, sum(count(*)) over () as all_times
    from families group by one, other
)
select one, other, times, all_times * 2 * f.share * g.share as by_chance from seen
join frequent as f on f.given = one join frequent as g on g.given = other
where times >= 2 and times * 2 > families
order by one, other
"""
