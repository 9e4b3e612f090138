"""Pairs of rows that may be one person: listed, decided, and who a person is by them.

Pairs come from the matching (``pipelines/match``). Whoever may not read a kind is told of no row of it, neither by a
pair nor by what follows from one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.people import link_rules
from serve.crm.people.errors import NoSuchPerson
from serve.crm.people.link_schemas import LinkQuery
from serve.crm.people.models import person_links as table
from serve.kernel.caller import Lacks
from serve.kernel.db import Transaction
from serve.kernel.events import event
from serve.kernel.paging import order_by
from serve.kernel.resources.store import Row, Store, check_version

MOST_ROWS_OF_ONE, MOST_PROPOSED = 200, 100
_COLUMNS = (
    *("id", "state", "left_kind", "left_id", "right_kind", "right_id", "probability", "evidence"),
    *("model_version", "found_at", "decided_by", "decided_at", "updated_at"),
)
store = Store(table, _COLUMNS, ())

CONFIRMED = event("person_link.confirmed", "Two rows are one person: somebody said so.")
REFUSED = event("person_link.refused", "Two rows are not one person: somebody said so.")
REOPENED = event("person_link.reopened", "A decision about two rows was taken back.")
_NAMES = {"confirmed": CONFIRMED, "refused": REFUSED, "proposed": REOPENED}

_SORTED = {name: f"t.{name}" for name in ("probability", "found_at", "decided_at", "updated_at")}
_SELECT = f"select {store.selected} from person_links t where t.deleted_at is null"
_SEEN = " and t.left_kind = any({0}::text[]) and t.right_kind = any({0}::text[])"
_FILTERS = {
    "kind": "(t.left_kind = any({0}::text[]) or t.right_kind = any({0}::text[]))",
    "state": "t.state = any({0}::text[])",
    "min_probability": "t.probability >= {0}::double precision",
    "max_probability": "t.probability <= {0}::double precision",
}
_NAMED = (
    "select w.kind, p.id, p.full_name as label from unnest($1::text[], $2::uuid[]) w (kind, id) join {0} p"
)
_LABELS = " union all ".join(
    (
        *(
            _NAMED.format(name) + f" on w.kind = '{kind}' and p.id = w.id{there}"
            for kind, name, there in (
                ("contact", "contacts", " and p.deleted_at is null"),
                ("lead", "leads", " and p.deleted_at is null"),
                ("employee", "employees", " and p.deleted_at is null"),
                ("provider", "providers", ""),
            )
        ),
        "select 'user', p.id, p.full_name from people_users($3::uuid[]) p",
    )
)
_ONE_PERSON = """
    with recursive mine (kind, id, because) as (
        select $1::text, $2::uuid, 'asked'
        union
        select other.kind, other.id, other.because
        from mine m
        cross join lateral (
            select l.right_kind as kind, l.right_id as id, 'confirmed' as because from person_links l
            where l.left_id = m.id and l.left_kind = m.kind and l.state = 'confirmed' and l.deleted_at is null
            union all
            select l.left_kind, l.left_id, 'confirmed' from person_links l
            where l.right_id = m.id and l.right_kind = m.kind and l.state = 'confirmed' and l.deleted_at is null
            union all
            select 'contact', c.id, 'recorded' from leads e join contacts c on c.id = e.contact_id
            where m.kind = 'lead' and e.id = m.id and c.deleted_at is null
            union all
            select 'lead', e.id, 'recorded' from leads e
            where m.kind = 'contact' and e.contact_id = m.id and e.deleted_at is null
            union all
            select 'user', e.user_id, 'recorded' from employees e
            where m.kind = 'employee' and e.id = m.id and e.user_id is not null
            union all
            select 'employee', e.id, 'recorded' from employees e
            where m.kind = 'user' and e.user_id = m.id and e.deleted_at is null
        ) other
        where other.kind = any($3::text[])
    )
    select kind, id, min(because) as because from mine group by kind, id
    order by min(because) <> 'asked', kind, id limit $4
"""
_OF_THESE = (
    _SELECT
    + _SEEN.format("$1")
    + """
    and (t.left_id = any($2::uuid[]) or t.right_id = any($2::uuid[])) and t.state = $3
    order by t.probability desc, t.id limit $4
"""
)


async def page(db: Transaction, asked: LinkQuery) -> tuple[list[dict[str, Any]], int]:
    """The pairs asked for, and how many there are. Raises Invalid."""
    bound: list[Any] = [link_rules.visible_kinds(db.caller.permissions)]
    where = _SEEN.format("$1")
    for name, condition in _FILTERS.items():
        if (value := getattr(asked, name)) is not None:
            bound.append(value)
            where += " and " + condition.format(f"${len(bound)}")
    limit, offset = asked.window()
    order = order_by(asked.sort, _SORTED, tie="t.id")
    rows = await db.fetch(f"{_SELECT}{where} order by {order} limit {limit} offset {offset}", *bound)
    counted = await db.fetch_one(
        f"select count(*) as n from person_links t where t.deleted_at is null{where}", *bound
    )
    assert counted is not None
    return await told(db, [Row(row) for row in rows]), counted["n"]


async def get(db: Transaction, link_id: UUID, *, lock: bool = False) -> Row:
    """Raises NotFound, also to who may not see one of the rows."""
    link = await store.get(db, link_id, lock=lock)
    if not {link["left_kind"], link["right_kind"]} <= {*link_rules.visible_kinds(db.caller.permissions)}:
        raise store.NotFound
    return link


async def shown(db: Transaction, link: Row) -> Row:
    """The pair as it is told, with its version."""
    (said,) = await told(db, [link])
    version = link.version
    link.clear()
    link.update(said)
    link.version = version
    return link


async def decide(db: Transaction, link_id: UUID, state: str, if_match: str | None) -> Row:
    """Confirm, refuse or reopen. Raises NotFound, LostUpdate, LinkDecided or LinkOpen."""
    link = await get(db, link_id, lock=True)
    check_version(if_match, link)
    link_rules.check_decision(link["state"], state)
    changes: dict[str, Any] = {"state": state, "decided_by": None, "decided_at": None}
    if state != "proposed":
        changes |= {"decided_by": db.caller.user_id, "decided_at": datetime.now(UTC)}
    if state == "refused":  # as they are now: what was changed before somebody looked is no news
        found = await db.fetch_one("select person_link_keys($1) as keys", link_id)
        changes["keys"] = found and found["keys"]
    return await shown(db, await store.update(db, link, changes, event=_NAMES[state]))


async def person(db: Transaction, kind: str, row_id: UUID) -> dict[str, Any]:
    """All rows that are this person as far as the caller may see, and those that may be. Raises Lacks, NoSuchPerson."""
    permissions = db.caller.permissions
    if link_rules.SEEN_WITH[kind] not in permissions:
        raise Lacks(db.caller, link_rules.SEEN_WITH[kind])
    kinds = link_rules.visible_kinds(permissions)
    found = await db.fetch(_ONE_PERSON, kind, row_id, kinds, MOST_ROWS_OF_ONE + 1)
    rows = found[:MOST_ROWS_OF_ONE]
    labels = await _labels(db, ((row["kind"], row["id"]) for row in rows))
    if (kind, str(row_id)) not in labels:
        raise NoSuchPerson
    ids = [row["id"] for row in rows]
    confirmed = await db.fetch(_OF_THESE, kinds, ids, "confirmed", MOST_ROWS_OF_ONE)
    proposed = await db.fetch(_OF_THESE, kinds, ids, "proposed", MOST_PROPOSED)
    return {
        "rows": [
            _row(row["kind"], row["id"], labels) | {"because": row["because"]}
            for row in rows
            if (row["kind"], row["id"]) in labels
        ],
        "confirmed": await told(db, [Row(row) for row in confirmed]),
        "proposed": await told(db, [Row(row) for row in proposed]),
        "is_cut": len(found) > MOST_ROWS_OF_ONE,
    }


async def matching(db: Transaction) -> dict[str, Any] | None:
    """The last one of the caller's tenant."""
    found = await db.fetch_one(
        "select matched_at, people_count, pair_count, model_version, not_matched_because from person_matchings"
        " where tenant_id = $1",
        db.caller.tenant_id,
    )
    return None if found is None else dict(found)


async def told(db: Transaction, links: list[Row]) -> list[dict[str, Any]]:
    """Pairs with the names of their rows."""
    sides = [(link[f"{side}_kind"], link[f"{side}_id"]) for link in links for side in ("left", "right")]
    labels = await _labels(db, sides)
    return [
        {
            "id": link["id"],
            "state": link["state"],
            "left": _row(link["left_kind"], link["left_id"], labels),
            "right": _row(link["right_kind"], link["right_id"], labels),
            "probability": round(link["probability"], 4),
            "evidence": link_rules.findings(link["evidence"]),
            **{name: link[name] for name in ("model_version", "found_at", "decided_by", "decided_at")},
            "merge": link_rules.way_to_merge(link, db.caller.permissions),
            "updated_at": link["updated_at"],
        }
        for link in links
    ]


async def _labels(db: Transaction, rows: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    wanted = sorted({*rows})
    if not wanted:
        return {}
    users = [row_id for kind, row_id in wanted if kind == "user"]
    found = await db.fetch(_LABELS, [kind for kind, _ in wanted], [row_id for _, row_id in wanted], users)
    return {(row["kind"], row["id"]): row["label"] for row in found}


def _row(kind: str, row_id: str, labels: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": row_id,
        "label": labels.get((kind, row_id), ""),
        "href": link_rules.href(kind, row_id),
    }
