"""Rows that may be the same person or company as a new one: found by their keys, judged by ``rules``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from serve.crm.people import rules
from serve.crm.people.keys import EXPRESSIONS, company_key, email_key, name_key, phone_key
from serve.kernel.db import Reads, Record, guarded
from serve.kernel.resources.declaration import Beside

MOST_OF_A_KEY = 20
"""A number that hundreds share says little, and must not be slow."""

TABLES = {"contact": "contacts", "lead": "leads", "account": "accounts"}
_ASKED = {
    "name_key": f"any (array(select {name_key('n')} from unnest($3::text[]) n))",
    "email_key": email_key("$4::text"),
    "phone_key": phone_key("$5::text"),
    "company_key": company_key("$6::text"),
}
_SHOWN = {
    "contacts": "full_name, email, phone, null::text as company, null::text as city",
    "leads": "full_name, email, phone, company, city",
    "accounts": "null::text as full_name, null::text as email, null::text as phone, name as company, city",
}


def _branch(kind: str, key: str) -> str:
    """One key, one index, and never more than a few rows of it."""
    return (
        f"(select '{kind}' as kind, '{key}' as key, t.id, {_SHOWN[TABLES[kind]]},"
        " (select o.country from tenants o where o.id = $2::uuid) as country_of_tenant"
        f" from {TABLES[kind]} t where t.tenant_id = $2::uuid and t.{key} = {_ASKED[key]}"
        f" and t.deleted_at is null and g.tenants is not null limit {MOST_OF_A_KEY})"
    )


FIND = guarded(
    "select * from ("
    + " union all ".join(_branch(kind, key) for kind, table in TABLES.items() for key in EXPRESSIONS[table])
    + ") f where f.kind = any ($7::text[])"
)


def kinds_for(asked_kind: str, permissions: frozenset[str]) -> list[str]:
    """What may be named: people beside people, companies beside companies, of what the caller may read."""
    beside = ("account", "lead") if asked_kind == "account" else ("contact", "lead")
    return [kind for kind in beside if f"{TABLES[kind]}:read" in permissions]


async def find(
    db: Reads, kind: str, asked: Mapping[str, Any], *, besides: UUID | str | None = None
) -> list[dict[str, Any]]:
    """What a client is told of them, the likeliest first. ``besides`` is the row itself."""
    name, company = asked.get("full_name"), asked.get("company")
    if kind == "account":
        name, company = None, asked.get("company") or asked.get("name")
    if not any((name, company, asked.get("email"), asked.get("phone"))):
        return []
    if kind == "contact":
        company = None  # a contact's company is its account
    found = await db.fetch(
        FIND,
        str(db.caller.tenant_id),
        rules.orders(name),
        *(asked.get("email"), asked.get("phone"), company if kind == "account" else None),
        kinds_for(kind, db.caller.permissions),
    )
    told = {**asked, "full_name": name, "company": company}
    country = found[0]["country_of_tenant"] if found else None
    return [
        {
            "kind": row["kind"],
            "id": row["id"],
            "label": row["company"] if kind == "account" else row["full_name"],
            "chance": round(chance, 4),
            "evidence": [each.model_dump() for each in evidence],
        }
        for chance, evidence, row in rules.worth_saying(told, _each_once(found, str(besides)), country)
    ]


def _each_once(found: list[Record], besides: str) -> Iterator[Mapping[str, Any]]:
    """A row that several keys have found, with what they say of it."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for record in found:
        row = rows.setdefault((record["kind"], record["id"]), dict(record))
        row["has_same_name"] = row.get("has_same_name", False) or record["key"] == "name_key"
        row["has_same_company"] = row.get("has_same_company", False) or record["key"] == "company_key"
    return (row for (_, row_id), row in rows.items() if row_id != besides)


def warning(kind: str) -> Beside:
    """For ``Resource(beside=…)``: what a create says of rows that may be the same."""

    async def said(db: Reads, values: Mapping[str, Any], row_id: str) -> dict[str, Any]:
        return {"possible_duplicates": await find(db, kind, values, besides=row_id)}

    return said
