"""What a matching has found, written as the matching writes it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

EVIDENCE = {"name": 7.5, "email": 11.25, "phone": 0.0, "company": 0.0, "city": -1.5}
Person = tuple[str, str]
"""(kind, id)."""


def pair(keys: dict[Person, str], one: Person, other: Person, **more: Any) -> dict[str, Any]:
    left, right = sorted((one, other), key=lambda each: each[1])
    return {
        "left_kind": left[0],
        "left_id": left[1],
        "left_keys": keys.get(left, "00"),
        "right_kind": right[0],
        "right_id": right[1],
        "right_keys": keys.get(right, "00"),
        "probability": 0.97,
        "evidence": EVIDENCE,
        **more,
    }


def keys_of(firm: Any, tenant: UUID) -> dict[Person, str]:
    """What everybody is compared by, as the matching reads it."""
    with psycopg.connect(firm.address.url("match")) as connection:
        rows = connection.execute("select kind, id::text, keys from match_people(%s)", [tenant]).fetchall()
    return {(kind, row_id): keys.hex() for kind, row_id, keys in rows}


def keep(firm: Any, tenant: UUID, pairs: list[dict[str, Any]]) -> tuple[int, int, int]:
    """(proposed, changed, withdrawn)."""
    with psycopg.connect(firm.address.url("match")) as connection:
        row = connection.execute(
            "select * from keep_person_links(%s, %s, 'm1', 10)", [tenant, Jsonb(pairs)]
        ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def find(
    firm: Any, *pairs: tuple[Person, Person], tenant: UUID | None = None, **more: Any
) -> tuple[int, int, int]:
    """A matching that finds just these pairs."""
    tenant = tenant or firm.a
    keys = keys_of(firm, tenant)
    return keep(firm, tenant, [pair(keys, one, other, **more) for one, other in pairs])
