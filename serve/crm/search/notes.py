"""Notes that have the words: for whoever may read what they are written on, while that stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from serve.crm.accounts.endpoints import accounts
from serve.crm.contacts.endpoints import contacts
from serve.crm.leads.store import leads
from serve.crm.search.rules import rank
from serve.kernel.db import Reads, guarded
from serve.kernel.resources import Resource
from serve.kernel.resources.listing import MANY

KIND = "note"
OWNERS: dict[str, tuple[Resource, str]] = {
    "contact": (contacts, "full_name"),
    "lead": (leads, "full_name"),
    "account": (accounts, "name"),
}
"""What notes are written on, and the column with its name."""
MOST = 30
"""Of each owner's kind: a note may be long, and each of its words is looked at."""
AROUND = 200
_NOTES = """
    (select '{kind}' as kind, n.id, n.body, n.updated_at, o.id as owner_id, o.{name} as owner_name
    from notes n join {table} o on o.tenant_id = n.tenant_id and o.id = n.{kind}_id
    where n.tenant_id = {many} and o.tenant_id = {many} and n.deleted_at is null and o.deleted_at is null
        and n.search_text @@ to_tsquery('simple', $2)
    order by n.updated_at desc, n.id limit {most})
"""


def readable(permissions: Iterable[str]) -> list[str]:
    """The kinds whose notes somebody with these permissions may read."""
    held = set(permissions)
    return [kind for kind, (resource, _) in OWNERS.items() if resource.reading in held]


async def asked(db: Reads, words: Sequence[str], matching: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Notes with all of the words, by (kind, id)."""
    parts = [
        _NOTES.format(kind=kind, name=OWNERS[kind][1], table=OWNERS[kind][0].table.name, many=MANY, most=MOST)
        for kind in readable(db.caller.permissions)
    ]
    if not parts:
        return {}
    rows = await db.fetch(guarded(" union all ".join(parts)), matching, afresh=True)
    found = (_hit(row, words) for row in rows)
    return {(KIND, hit["id"]): hit for hit in found if hit["score"]}


def _hit(row: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    owner = OWNERS[row["kind"]][0]
    return {
        "kind": KIND,
        "id": row["id"],
        "title": str(row["owner_name"])[:200],
        "subtitle": excerpt(row["body"], words),
        # Whose note it is does not make it a better answer: its own words do.
        "score": round(rank(words, "", [row["body"]]), 4),
        "href": f"{owner.path}/{row['owner_id']}/notes/{row['id']}",
        "updated_at": row["updated_at"].isoformat().replace("+00:00", "Z"),
    }


def excerpt(body: str, words: Sequence[str]) -> str:
    """The part of a text where the first of the words stands, on one line; its beginning where none does.

    >>> excerpt("x " * 200 + "wants six vans by June", ["vans"])[-22:]
    'wants six vans by June'
    """
    text = " ".join(body.split())
    found = next((match for word in words if (match := re.search(re.escape(word), text, re.I))), None)
    begin = 0 if found is None or len(text) <= AROUND else max(0, found.start() - AROUND // 2)
    return text[begin : begin + AROUND].strip()
