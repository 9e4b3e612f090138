"""Erasing a person in the database: one transaction, so that it is wholly done or not at all.

What a table says of itself (``registry``) is done to the person's rows. Each change leaves its event, and then the
values are struck out of the history, this erasure's own events included. The address is struck out of whatever else
says it. What is outside of the database (files, the landing zone, mails in the outbox) follows, by what this gives.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Table

from serve.identity.privacy.errors import NoPerson, OnHold, OnlyOwner
from serve.identity.privacy.fates import Known
from serve.identity.privacy.people import OWN, Person, find, reached, rows_of
from serve.identity.privacy.registry import KNOWN, PEOPLE
from serve.identity.privacy.search import READABLE, text_columns
from serve.kernel.db import Transaction
from serve.kernel.events import event
from serve.kernel.tables import all_tables
from warehouse.mentions import mention

event(
    "history.redacted", "Values of an erased person were struck out of events: `after.hashes` says of which."
)

MARK = "[erased]"
STRUCK_OTHERWISE = {"events", "idempotency_keys", "consents", "task_steps", "settings"}
OF_SOMEBODY = {*PEOPLE.values(), "employees"}
"""Their rows are blanked by themselves: one that still has the address is of a colleague who is a customer too."""
_LOCK = "select pg_advisory_xact_lock(hashtextextended('person ' || $1, 0))"
_OPEN = f"""{OWN} and deleted_at is null and released_at is null
    and (until_date is null or until_date >= current_date)"""
_HOLDS = f"select subject_kind, subject_id from privacy_holds where {_OPEN}"
_HOLD = f"""
    select reason from privacy_holds where {_OPEN}
        and (subject_kind, subject_id) in (select * from unnest($1::text[], $2::uuid[]))
    limit 1
"""
_KEEP = """
    insert into privacy_kept (tenant_id, request_id, table_name, row_id, reason, until_date)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (tenant_id, table_name, row_id) do update set until_date = excluded.until_date
"""
_SUPPRESS = """
    insert into privacy_suppressions (tenant_id, request_id, kind, hash)
    select $1, $2, kind, hash from unnest($3::text[], $4::bytea[]) as t (kind, hash)
    on conflict (tenant_id, hash) do nothing
"""
_ANSWERS = f"""
    delete from idempotency_keys where {OWN} and exists (
        select from unnest($1::text[]) n
        where position(convert_to(n, 'UTF8') in coalesce(body, '')) > 0 or position(n in lower(record::text)) > 0
    )
"""


async def hold_on(db: Transaction, person: Person) -> str | None:
    """Why the person's data must stay for now, if somebody said so."""
    found = await db.fetch_one(_HOLD, *person.pairs())
    return found and found["reason"]


async def held_rows(db: Transaction, name: str) -> list[str]:
    """Rows of a table that are of people whose data must stay for now: all that an erasure of them would find."""
    held: set[str] = set()
    for row in await db.fetch(_HOLDS):
        try:
            person = await find(db, row["subject_kind"], row["subject_id"])
        except NoPerson:  # a company, or somebody whose row is gone
            person = Person({row["subject_kind"]: {row["subject_id"]}})
        held |= {each["id"] for each in await rows_of(db, name, KNOWN[name], person, ["id"])}
    return sorted(held)


async def check_erasable(db: Transaction, person: Person) -> None:
    """Raises OnHold or OnlyOwner."""
    if reason := await hold_on(db, person):
        raise OnHold(f"The person's data must not be erased now: {reason}")
    for user_id in person.ids("user"):
        alone = await db.fetch(f"select name from privacy_owned_alone($1) where {OWN}", user_id)
        if alone:
            raise OnlyOwner


async def erase(db: Transaction, person: Person, *, request_id: str | None, secret: str) -> dict[str, Any]:
    """All of it, in this transaction; what was done, by table, with the ids that the world outside is asked for.

    Raises OnHold or OnlyOwner.
    """
    # Each by itself, in one order: two erasures of one person come one after the other.
    for word in sorted({*person.pairs()[1], *person.emails}):
        await db.execute(_LOCK, word)
    await check_erasable(db, person)
    done = _nothing_yet()
    found = {
        name: await rows_of(db, name, known, person, _wanted(all_tables().tables[name]))
        for name, known in reached().items()
    }  # before anything is changed: links lead from one table to the other
    for name, rows in found.items():
        if rows:
            await _erase_rows(db, name, KNOWN[name], rows, done, request_id)
    for user_id in person.ids("user"):
        await db.execute("select privacy_forget_member($1)", user_id)
        done["erased"]["memberships"] = 1
    await db.execute("select privacy_forget_addresses($1)", sorted(person.emails))
    if done["ids"] or person.emails:
        await db.execute(_ANSWERS, [*person.pairs()[1], *sorted(person.emails)])
    for email in sorted(person.emails):
        await _strike(db, email, done)
    hashes = [] if person.is_colleague else [*person.hashes(secret)]
    await db.execute(
        _SUPPRESS,
        db.caller.tenant_id,
        request_id,
        *([list(each) for each in zip(*hashes, strict=True)] or [[], []]),
    )
    now = await db.fetch_one("select pg_current_xact_id()::text::bigint as xid")
    assert now is not None
    done["below_xid"] = now["xid"]
    return done


def _wanted(table: Table) -> list[str]:
    return ["id", *(["message_id"] if "message_id" in table.columns else [])]


async def _erase_rows(
    db: Transaction, name: str, known: Known, rows: list[Any], done: dict[str, Any], request_id: str | None
) -> None:
    ids = [row["id"] for row in rows]
    if known.fate == "kept":
        done["kept"].append({"table": name, "count": len(ids), "reason": known.why, "until": None})
        return
    table = all_tables().tables[name]
    if known.fate == "deleted":
        await db.execute(f"delete from {name} where {OWN} and id = any($1::uuid[])", ids)
        columns = text_columns(table)
    else:
        held = await _held(db, name, known, ids, done, request_id)
        free = [row_id for row_id in ids if row_id not in held]
        await _blank(db, name, known.blank, free)
        await _blank(db, name, {k: v for k, v in known.blank.items() if k not in known.held}, held)
        columns = [column for column in known.blank if column != "deleted_at"]
    if entity := table.info.get("entity"):
        sealed = table.info["personal"]
        await _redact(db, entity, ids, [column for column in columns if column not in sealed])
    done["erased"][name] = len(ids)
    done["ids"][name] = ids
    if name == "files":
        done["files"] = ids
    done["messages"] += [row["message_id"] for row in rows if "message_id" in row.keys()]  # noqa: SIM118


async def _blank(db: Transaction, name: str, blank: dict[str, str] | Any, ids: list[str]) -> None:
    if ids:
        sets = ", ".join(f"{column} = {value}" for column, value in blank.items())
        await db.execute(f"update {name} set {sets} where {OWN} and id = any($1::uuid[])", ids)


async def _held(
    db: Transaction, name: str, known: Known, ids: list[str], done: dict[str, Any], request_id: str | None
) -> list[str]:
    """Those of the rows that a law wants to have for longer, which is noted."""
    law = known.unless
    if law is None:
        return []
    found = await db.fetch(
        f"select {law.link} as id, extract(year from max({law.since}))::integer as year from {law.table}"
        f" where {OWN} and {law.link} = any($1::uuid[]) group by 1",
        ids,
    )
    held = []
    for row in found:
        until = date(row["year"] + law.years, 12, 31)
        if until >= datetime.now(UTC).date():
            held.append(row["id"])
            await db.execute(_KEEP, db.caller.tenant_id, request_id, name, row["id"], law.reason, until)
            what = {"table": name, "columns": list(known.held), "count": 1, "reason": law.reason}
            done["kept"].append(what | {"until": until.isoformat()})
    return held


async def release_kept(db: Transaction, today: date) -> dict[str, Any]:
    """Blank what no law and no hold keeps any more; how many rows that were, and which."""
    tables = await db.fetch(
        f"select distinct table_name from privacy_kept where {OWN} and until_date < $1", today
    )
    held = [row_id for each in tables for row_id in await held_rows(db, each["table_name"])]
    over = await db.fetch(
        f"delete from privacy_kept where {OWN} and until_date < $1 and row_id <> all($2::uuid[])"
        " returning table_name, row_id",
        *(today, held),
    )
    ids: dict[str, list[str]] = {}
    for row in over:
        ids.setdefault(row["table_name"], []).append(row["row_id"])
    for name, rows in ids.items():
        await _blank(db, name, KNOWN[name].blank, rows)
    return {"count": len(over), "ids": ids}


async def end_rows(db: Transaction, name: str, ids: list[str]) -> dict[str, Any]:
    """What an erasure does to these rows, whoever they are of."""
    wanted = ", ".join(_wanted(all_tables().tables[name]))
    rows = await db.fetch(f"select {wanted} from {name} where {OWN} and id = any($1::uuid[])", ids)
    done = _nothing_yet()
    await _erase_rows(db, name, KNOWN[name], rows, done, None)
    return done


def _nothing_yet() -> dict[str, Any]:
    return {"erased": {}, "kept": [], "ids": {}, "files": [], "messages": []}


async def _strike(db: Transaction, email: str, done: dict[str, Any]) -> None:
    """The address out of every other text, and out of events that say it."""
    pattern = mention("email", email)
    for name, table in READABLE.items():
        own = "email" if name in OF_SOMEBODY else None
        columns = [c for c in text_columns(table) if c != own and not table.columns[c].computed]
        if name in STRUCK_OTHERWISE or not columns:
            continue
        where = " or ".join(f"{c}::text ~ $1" for c in columns)
        rows = await db.fetch(f"select id from {name} where {OWN} and ({where})", pattern)
        if not rows:
            continue
        ids = [row["id"] for row in rows]
        sets = ", ".join(
            rf"{c} = regexp_replace({c}::text, $2, '\1{MARK}', 'g')"
            + ("::jsonb" if c in _json_columns(table) else "")
            for c in columns
        )
        await db.execute(f"update {name} set {sets} where {OWN} and id = any($1::uuid[])", ids, pattern)
        if entity := table.info.get("entity"):
            await _redact(db, entity, ids, [c for c in columns if c not in table.info["personal"]])
        done["erased"][name] = done["erased"].get(name, 0) + len(ids)
        done["ids"][name] = [*done["ids"].get(name, []), *ids]
    said = await db.fetch(
        "select distinct e.entity_type, e.entity_id, v.key from events e,"
        " lateral (select * from jsonb_each(e.before) union all select * from jsonb_each(e.after)) v"
        f" where e.{OWN} and e.entity_id is not null and v.value::text ~ $1",
        pattern,
    )
    for row in said:
        await _redact(db, row["entity_type"], [row["entity_id"]], [row["key"]])


def _json_columns(table: Table) -> set[str]:
    return {column.name for column in table.columns if str(column.type) == "JSONB"}


async def _redact(db: Transaction, entity: str, ids: list[str], columns: list[str]) -> None:
    await db.execute("select redact_events($1, $2::uuid[], $3::text[])", entity, ids, columns)
