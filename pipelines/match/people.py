"""One tenant's people: read by a role that may do nothing else, compared in memory, pairs kept in one transaction.

A run that is killed has written all pairs of some tenants and none of the others; run again, it begins with those that
are not done. What a matching may not change (decisions of people) the database's function leaves as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from splink.internals.exceptions import SplinkException

from ml import matching
from ml.matching import features, model
from warehouse.postgres import Address

ROLE = "match"
EVERY = timedelta(hours=20)  # the line runs hourly; who may be whom changes little within a day
MOST_PEOPLE = 50_000
"""Of one tenant at once. All of them and the pairs that are compared lie in memory."""
MOST_ALIKE = 200
"""A name, address or number that more rows share tells nobody apart: it counts as none."""
MOST_COMPARED = 20_000_000
"""Pairs that share something are compared, and lie in memory: of 40 million, 1.7 GB."""
MOST_PAIRS = 100_000
"""What a tenant is proposed at most, the likeliest."""
LEAST_CHANCE = 0.5
MOST_BITS = 100.0  # what never happens between strangers would be infinitely many
READ_ROWS = 10_000


@dataclass(frozen=True)
class Tenant:
    """Whose people, and what the last matching knew of them."""

    tenant_id: str
    slug: str
    country: str | None
    people_count: int
    is_changed: bool
    model_version: str | None
    matched_at: datetime | None


@dataclass(frozen=True)
class Outcome:
    """What became of one tenant: counts, and words where it was not matched. Never a name."""

    tenant: str
    people: int
    pairs: int = 0
    proposed: int = 0
    changed: int = 0
    withdrawn: int = 0
    left_out: int = 0
    words: str = ""
    error: str | None = None


def model_version() -> str:
    """Changes with the code of the model, with what it takes for typical and with splink: then everybody is compared
    anew."""
    digest = hashlib.sha256(version("splink").encode())
    folder = Path(matching.__file__).parent
    for file in sorted((*folder.glob("*.py"), *folder.glob("*.json"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def tenants(address: Address) -> list[Tenant]:
    """Every tenant at work that has people."""
    with psycopg.connect(address.url(ROLE), row_factory=class_row(Tenant)) as connection:
        return connection.execute(
            "select tenant_id::text, slug, country, people_count, is_changed, model_version, matched_at"
            " from match_tenants()"
        ).fetchall()


def is_due(tenant: Tenant, made_by: str, now: datetime, *, everybody: bool) -> bool:
    """Whether its people are to be compared: they or the model have changed, and the last time is a day ago."""
    if everybody or tenant.matched_at is None:
        return True
    is_news = tenant.is_changed or tenant.model_version != made_by
    return is_news and tenant.matched_at <= now - EVERY


def match(address: Address, *, now: datetime, everybody: bool = False) -> Iterator[Outcome]:
    """Each tenant that is due. One that fails does not stop the others."""
    made_by = model_version()
    for tenant in tenants(address):
        if is_due(tenant, made_by, now, everybody=everybody):
            try:
                yield match_tenant(address, tenant, made_by)
            except Exception as error:
                # What it says may quote a row.
                yield Outcome(tenant.slug, tenant.people_count, error=type(error).__name__)


def match_tenant(address: Address, tenant: Tenant, made_by: str) -> Outcome:
    """Read, compare, keep. A tenant that cannot be matched keeps the pairs it had, and is told why."""
    if because := _unfit(tenant.people_count):
        return _refused(address, tenant, made_by, because)
    people = read(address, tenant)
    if (count := model.pairs_at_most(people.select(features.WANTED))) > MOST_COMPARED:
        because = f"too many pairs share something ({count:,}; {MOST_COMPARED:,} at most are compared)"
        return _refused(address, tenant, made_by, because)
    try:
        pairs = compare(people)
    except (ValueError, ZeroDivisionError, SplinkException) as error:
        because = f"nothing can be learned from how these people are alike ({type(error).__name__})"
        return _refused(address, tenant, made_by, because)
    kept = pairs.head(MOST_PAIRS)
    with psycopg.connect(address.url(ROLE)) as connection:
        row = connection.execute(
            "select proposed, changed, withdrawn from keep_person_links(%s, %s, %s, %s)",
            [tenant.tenant_id, Jsonb(rows_of(kept, people)), made_by, people.height],
        ).fetchone()
        connection.execute("select note_compared(%s, %s)", [tenant.tenant_id, digest_of(people)])
    assert row is not None
    return Outcome(tenant.slug, people.height, kept.height, *row, left_out=pairs.height - kept.height)


def read(address: Address, tenant: Tenant) -> pl.DataFrame:
    """What the matching compares, with ``kind``, ``id`` and ``keys`` (of what is compared) of each row."""
    columns = ("kind", "id", "full_name", "email", "phone", "company", "city", "country", "keys")
    parts = []
    with (
        psycopg.connect(address.url(ROLE)) as connection,
        connection.cursor("people_to_match") as cursor,
    ):
        cursor.execute(
            "select kind, id::text, full_name, email, phone, company, city, country, encode(keys, 'hex')"
            " from match_people(%s)",
            [tenant.tenant_id],
        )
        while rows := cursor.fetchmany(READ_ROWS):
            parts.append(pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row"))
    people = pl.concat(parts) if parts else pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    return telling(people.with_columns(pl.concat_str("kind", pl.lit(":"), "id").alias("unique_id")))


def digest_of(people: pl.DataFrame) -> bytes:
    """Of what was read, in its order: what it is not by the next time has changed since."""
    return hashlib.sha256(bytes.fromhex("".join(people["keys"]))).digest()


def telling(people: pl.DataFrame) -> pl.DataFrame:
    """The rows without values that very many share, such as the number of an office or a name like "unknown"."""
    return people.with_columns(
        pl.when(pl.len().over(pl.col(name).str.strip_chars().str.to_lowercase()) <= MOST_ALIKE)
        .then(pl.col(name))
        .alias(name)
        for name in ("full_name", "email", "phone")
    )


def compare(people: pl.DataFrame) -> pl.DataFrame:
    """Pairs with a chance of at least ``LEAST_CHANCE``, the likeliest first."""
    wanted = people.select(features.WANTED)
    found = model.predict(model.fit(wanted), wanted, least=LEAST_CHANCE)
    return found.sort("chance", "left_id", "right_id", descending=[True, False, False])


def rows_of(pairs: pl.DataFrame, people: pl.DataFrame) -> list[dict[str, Any]]:
    """The pairs as the database takes them: ids, probability and bits by field, the smaller id left."""
    keys = dict(people.select("unique_id", "keys").iter_rows())
    return [_row(pair, keys) for pair in pairs.iter_rows(named=True)]


def _row(pair: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    sides = sorted((pair["left_id"], pair["right_id"]), key=lambda each: each.partition(":")[2])
    (left_kind, _, left_id), (right_kind, _, right_id) = (each.partition(":") for each in sides)
    return {
        "left_kind": left_kind,
        "left_id": left_id,
        "left_keys": keys[sides[0]],
        "right_kind": right_kind,
        "right_id": right_id,
        "right_keys": keys[sides[1]],
        "probability": round(pair["chance"], 4),
        "evidence": {
            field: round(max(-MOST_BITS, min(MOST_BITS, pair[field])), 2)
            for field in (*model.FIELDS, "others")
            if pair[field]
        },
    }


def _unfit(people_count: int) -> str | None:
    if people_count > MOST_PEOPLE:
        return f"too many people to compare in memory ({people_count:,}; {MOST_PEOPLE:,} at most)"
    return None


def _refused(address: Address, tenant: Tenant, made_by: str, because: str) -> Outcome:
    with psycopg.connect(address.url(ROLE)) as connection:
        connection.execute(
            "select note_not_matched(%s, %s, %s, %s)",
            [tenant.tenant_id, because, made_by, tenant.people_count],
        )
    return Outcome(tenant.slug, tenant.people_count, words=because)
