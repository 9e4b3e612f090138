"""Which rows are one person's: those that were named, those of the same tenant with the same e-mail address, and those
that were merged with one of them."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from serve.identity.privacy.errors import NoPerson
from serve.identity.privacy.fates import Known
from serve.identity.privacy.registry import KNOWN, PEOPLE, UNREACHED
from serve.kernel.db import Transaction
from serve.kernel.tables import all_tables
from serve.kernel.vault import Vault

OWN = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
"""A person is one within a tenant, whoever's rows the caller may read besides."""

_ROWS = "select id, full_name, email, phone from {table} where " + OWN + " and id = any($1::uuid[])"
_SAME_ADDRESS = "select id from {table} where " + OWN + " and lower(email) = any($1::text[])"
_HOUSEHOLDS = f"""
    select id, name from accounts where {OWN} and kind = 'household' and (id = any($1::uuid[]) or (
        lower(name) = any($2::text[]) and id in (
            select account_id from contacts where {OWN} and id = any($3::uuid[])
            union select account_id from leads where {OWN} and id = any($4::uuid[])
        )
    ))
"""
_MERGED = f"""
    with recursive one (id) as (
        select unnest($2::uuid[])
        union
        select case when m.survivor_id = one.id then m.merged_id else m.survivor_id end
        from one join merges m on one.id in (m.survivor_id, m.merged_id)
        where m.{OWN} and m.entity_type = $1 and m.undone_at is null
    )
    select id from one
"""
_EMPLOYEES = f"""
    select id, user_id, full_name, email, phone from employees
    where {OWN} and (id = any($1::uuid[]) or user_id = any($2::uuid[]))
"""
_OF_HOUSEHOLDS = (
    "select id from {table} where "
    + OWN
    + " and account_id = any($1::uuid[]) and lower(full_name) = any($2::text[])"
)


@dataclass
class Person:
    """Rows by kind of person, and by what the person is known."""

    rows: dict[str, set[str]] = field(default_factory=dict)
    emails: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def ids(self, kind: str) -> list[str]:
        return sorted(self.rows.get(kind, ()))

    @property
    def is_colleague(self) -> bool:
        return bool(self.rows.keys() & {"user", "employee"})

    def pairs(self) -> tuple[list[str], list[str]]:
        """Kinds and ids, side by side."""
        found = [(kind, row_id) for kind in sorted(self.rows) for row_id in self.ids(kind)]
        return [kind for kind, _ in found], [row_id for _, row_id in found]

    def known_by(self) -> dict[str, list[str]]:
        return {"email": sorted(self.emails), "phone": sorted(self.phones), "name": sorted(self.names)}

    def sealed(self, vault: Vault) -> bytes:
        """To know whom to search for when nothing else knows any more."""
        return vault.seal(
            orjson.dumps({"rows": {kind: self.ids(kind) for kind in self.rows}} | self.known_by())
        )

    @classmethod
    def opened(cls, vault: Vault, sealed: bytes) -> Person:
        said = orjson.loads(vault.open(sealed))
        rows = {kind: {*ids} for kind, ids in said["rows"].items()}
        return cls(rows, *({*said[name]} for name in ("email", "phone", "name")))

    def hashes(self, secret: str) -> Iterator[tuple[str, bytes]]:
        """Kind and keyed hash of each address and number."""
        for kind, values in (("email", self.emails), ("phone", self.phones)):
            yield from ((kind, keyed_hash(secret, kind, value)) for value in sorted(values))


def keyed_hash(secret: str, kind: str, value: str) -> bytes:
    """The same for the same address or number, however it is written; nothing to whoever has not the key."""
    plain = re.sub(r"\D", "", value) if kind == "phone" else value.strip().lower()
    return hmac.digest(secret.encode(), f"{kind}:{plain}".encode(), sha256)


async def find(db: Transaction, kind: str, row_id: UUID | str | None, email: str | None = None) -> Person:
    """Whoever the row is of, with all rows of the tenant that are the same person's. Raises NoPerson.

    A colleague's account and a customer's row are never taken for one, though they have the same address.
    """
    person = Person(emails={email.lower()} if email else set())
    if row_id is not None:
        person.rows[kind] = {str(row_id)}
    if person.is_colleague:
        await _colleague(db, person)
        return person
    for _ in range(2):  # an address leads to rows, and those to further addresses
        await _look(db, person)
    if not any(person.rows.values()) and not email:
        raise NoPerson
    if row_id is not None and str(row_id) not in person.rows.get(kind, ()):
        raise NoPerson
    return person


async def _colleague(db: Transaction, person: Person) -> None:
    """Account and employee are one person. Raises NoPerson."""
    employees = await db.fetch(_EMPLOYEES, person.ids("employee"), person.ids("user"))
    person.rows["employee"] = {row["id"] for row in employees}
    for row in employees:
        _know(person, row)
        person.rows.setdefault("user", set()).update([row["user_id"]] if row["user_id"] else [])
    for user_id in person.ids("user"):
        found = await db.fetch_one("select privacy_account($1) as account", user_id)
        if found is None or found["account"] is None:
            person.rows["user"].discard(user_id)
        else:
            _know(person, found["account"]["users"][0])
    if not any(person.rows.values()):
        raise NoPerson


def _know(person: Person, row: Mapping[str, Any]) -> None:
    person.names.add(row["full_name"])
    person.emails |= {row["email"].lower()} if row["email"] else set()
    person.phones |= {row["phone"]} if row["phone"] else set()


async def _look(db: Transaction, person: Person) -> None:
    for kind, table in PEOPLE.items():
        same = (
            await db.fetch(_SAME_ADDRESS.format(table=table), sorted(person.emails)) if person.emails else []
        )
        ids = [*person.ids(kind), *(row["id"] for row in same)]
        ids = await merged_with(db, kind, ids)
        rows = await db.fetch(_ROWS.format(table=table), ids)
        person.rows[kind] = {row["id"] for row in rows}
        for row in rows:
            _know(person, row)
    names = sorted(name.lower() for name in person.names)
    households = await db.fetch(
        _HOUSEHOLDS, person.ids("account"), names, person.ids("contact"), person.ids("lead")
    )
    person.rows["account"] = {row["id"] for row in households}
    person.names |= {row["name"] for row in households}
    names = sorted(row["name"].lower() for row in households)
    for kind in ("contact", "lead"):
        found = await db.fetch(_OF_HOUSEHOLDS.format(table=PEOPLE[kind]), person.ids("account"), names)
        person.rows[kind] |= {row["id"] for row in found}


async def merged_with(db: Transaction, kind: str, ids: Sequence[UUID | str]) -> list[str]:
    """These rows and all that were put together with them: what was made one is one person's."""
    return [row["id"] for row in await db.fetch(_MERGED, kind, ids)]


async def rows_of(
    db: Transaction, name: str, known: Known, person: Person, columns: Sequence[str]
) -> list[Any]:
    """These columns of the person's rows in a table."""
    table = all_tables().tables[name]
    conditions, values = [], list[Any]()
    for column, kind in known.links.items():
        if kind == "*":
            of = "entity_type" if "entity_type" in table.columns else column.removesuffix("_id") + "_kind"
            values += person.pairs()
            n = len(values)
            conditions.append(f"({of}, {column}) in (select * from unnest(${n - 1}::text[], ${n}::uuid[]))")
        else:
            values.append(person.ids(kind))
            conditions.append(f"{column} = any(${len(values)}::uuid[])")
    if known.address and person.emails:
        values.append(sorted(person.emails))
        conditions.append(f"lower({known.address}) = any(${len(values)}::text[])")
    if not conditions:
        return []
    return await db.fetch(
        f"select {', '.join(columns)} from {name} where {OWN} and ({' or '.join(conditions)}) and {known.where}"
        f" order by id",
        *values,
    )


def reached() -> Mapping[str, Known]:
    """What a runtime role can look into by itself."""
    return {name: known for name, known in KNOWN.items() if name not in UNREACHED}
