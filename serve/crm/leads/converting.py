"""A lead becomes a contact, and if asked an account, a job and a quote: all or nothing, once; undone within a while.

All that a conversion makes is written by one transaction, so its stamp (``change_xid``) tells later whether anything of
it was touched. Rows that were there before stay as they are, so undoing has nothing to put back but the lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from serve.crm.accounts.endpoints import accounts
from serve.crm.contacts.endpoints import contacts
from serve.crm.leads.errors import ConversionFinal, ConversionTouched, NotConverted
from serve.crm.leads.models import lead_conversions
from serve.crm.leads.rules import (
    EVENTS,
    account_from,
    check_convertible,
    contact_from,
    status_of_converted,
    steps,
)
from serve.crm.leads.schemas import Conversion, ConversionRead, NewAccount, NewQuote
from serve.crm.leads.store import leads
from serve.crm.quotes.schemas import QuoteFields
from serve.crm.quotes.service import create as create_quote
from serve.crm.quotes.service import quotes
from serve.field.jobs.service import request_job, withdraw_job
from serve.kernel.caller import Lacks
from serve.kernel.db import Record, Transaction
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.events import event
from serve.kernel.ids import uuid7
from serve.kernel.permissions import Permission
from serve.kernel.resources import Row
from serve.kernel.tables import all_tables
from serve.platform.settings.categories import CATEGORIES
from serve.platform.settings.service import current

CONVERTED = event("lead.converted", "The lead became a contact; its conversion says what else was made.")
UNDONE = event("lead.conversion_undone", "The conversion was undone: the lead is what it was before.")

KEPT = (
    *("status", "contact_id", "account_id", "value_cents"),
    *("contacted_at", "qualified_at", "won_at", "converted_at"),
)
"""What a conversion may change of a lead, and undoing puts back."""

MADE = {"contact": "contacts", "account": "accounts", "quote": "quotes", "job": "jobs"}
"""What a conversion can make, and where."""

_SHOWN = ", ".join(ConversionRead.model_fields)
_INSERT = f"""
    insert into lead_conversions
        (id, tenant_id, lead_id, contact_id, account_id, quote_id, job_id, made, lead_before, lead_after, user_id,
        undo_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    returning {_SHOWN}
"""
_NEWEST = f"select {_SHOWN} from lead_conversions where lead_id = $1 and undone_at is null"
_TO_UNDO = """
    select *, now() > undo_until as is_over from lead_conversions where lead_id = $1 and undone_at is null for update
"""
_UNDO = f"update lead_conversions set undone_at = now(), undone_by = $2 where id = $1 returning {_SHOWN}"


async def convert(db: Transaction, lead_id: UUID, asked: Conversion) -> tuple[dict[str, Any], Row]:
    """(the conversion, the lead after it).

    Raises LeadNotFound, LeadConverted, LeadLost, StatusDoesNotFollow or Invalid, or Lacks a permission.
    """
    lead = await leads.get(db, lead_id, lock=True)
    check_convertible(lead)
    status = status_of_converted(lead, asked.status, has_job=asked.job is not None)
    made: list[str] = []
    contact = await _named_contact(db, asked.contact_id)
    account_id = await _account(db, lead, asked, contact, status, made)
    if contact is None:
        contact = await _made(db, contacts, "contacts:write", contact_from(lead, account_id))
        made.append("contact")
    quote_id = await _quote(db, asked.quote, account_id, contact["id"], lead, made)
    job_id = await _job(db, asked, account_id, lead, made)
    after = await _moved_on(db, lead, status, asked)
    after = await leads.update(
        db,
        after,
        {"contact_id": contact["id"], "account_id": account_id, "converted_at": datetime.now(UTC)},
        event=CONVERTED,
    )
    sales = (await current(db, [CATEGORIES["sales"]]))["sales"].values
    kept = [name for name in KEPT if lead[name] != after[name]]
    conversion = await db.fetch_one(
        _INSERT,
        *(uuid7(), db.caller.tenant_id, lead_id, contact["id"], account_id, quote_id, job_id, made),
        *(_written(lead, kept), _written(after, kept), _person(db)),
        datetime.now(UTC) + timedelta(days=sales.conversion_undo_days),
    )
    assert conversion is not None
    return dict(conversion), after


async def conversion_of(db: Transaction, lead_id: UUID) -> dict[str, Any]:
    """What a lead became. Raises LeadNotFound or NotConverted."""
    await leads.get(db, lead_id)
    found = await db.fetch_one(_NEWEST, lead_id)
    if found is None:
        raise NotConverted
    return dict(found)


async def undo(db: Transaction, lead_id: UUID) -> tuple[dict[str, Any], Row]:
    """(the conversion, the lead as it was before it): what it made is deleted, its job is cancelled.

    Raises LeadNotFound, NotConverted, ConversionFinal, or ConversionTouched naming all that was.
    """
    lead = await leads.get(db, lead_id, lock=True)
    found = await db.fetch_one(_TO_UNDO, lead_id)
    if found is None:
        raise NotConverted
    if found["is_over"]:
        raise ConversionFinal
    if touched := [*_lead_touched(lead, found), *await _touched(db, lead, found)]:
        raise ConversionTouched(details=touched)
    made = found["made"]
    if "quote" in made:
        await quotes.delete(db, UUID(found["quote_id"]))
    if "job" in made:
        await withdraw_job(db, UUID(found["job_id"]))
    for what, resource in (("contact", contacts), ("account", accounts)):
        if what in made:
            await resource.delete(db, UUID(found[f"{what}_id"]))
    before = {name: _read(name, value) for name, value in found["lead_before"].items()}
    lead = await leads.update(db, lead, before, event=UNDONE)
    undone = await db.fetch_one(_UNDO, found["id"], _person(db))
    assert undone is not None
    return dict(undone), lead


# What is made


async def _named_contact(db: Transaction, contact_id: UUID | None) -> Row | None:
    if contact_id is None:
        return None
    _require(db, "contacts:read")
    try:
        return await contacts.get(db, contact_id)
    except NotFound as absent:
        raise Invalid(details=[("contact_id", "names nothing that exists")]) from absent


async def _account(
    db: Transaction,
    lead: Row,
    asked: Conversion,
    contact: Row | None,
    status: str,
    made: list[str],
) -> str | None:
    if asked.account_id is not None and asked.account is not None:
        raise Invalid(details=[("account", "name one that is there or describe a new one, not both")])
    at = contact["account_id"] if contact else None
    known = str(asked.account_id) if asked.account_id else None
    if known is None and asked.account is None:
        known = at or lead["account_id"]
    if at is not None and known != at:
        raise Invalid(details=[("contact_id", "is a person at another account")])
    if known is not None:
        _require(db, "accounts:read")
        try:
            return str((await accounts.get(db, UUID(known)))["id"])
        except NotFound as absent:
            raise Invalid(details=[("account_id", "names nothing that exists")]) from absent
    if asked.account is None and not (lead["company"] or asked.job or asked.quote):
        return None
    country = await db.fetch_one("select country from tenants where id = $1", db.caller.tenant_id)
    assert country is not None
    given = (asked.account or NewAccount()).model_dump()
    values = account_from(lead, given, status=status, own_country=country["country"])
    made.append("account")
    return str((await _made(db, accounts, "accounts:write", values))["id"])


async def _quote(
    db: Transaction, asked: NewQuote | None, account_id: Any, contact_id: Any, lead: Row, made: list[str]
) -> str | None:
    if asked is None:
        return None
    _require(db, "quotes:write")
    made.append("quote")
    said = asked.model_dump(exclude_unset=True)
    fields = {"account_id": account_id, "contact_id": contact_id, "currency": lead["currency"], **said}
    return str((await create_quote(db, quotes, QuoteFields.model_validate(fields)))["id"])


async def _job(
    db: Transaction, asked: Conversion, account_id: str | None, lead: Row, made: list[str]
) -> UUID | None:
    job = asked.job
    if job is None:
        return None
    assert account_id is not None
    made.append("job")
    return await request_job(
        db,
        account_id=account_id,
        service=job.service,
        channel="lead",
        price_cents=job.price_cents,
        currency=lead["currency"],
        zone_id=job.zone_id or (UUID(lead["zone_id"]) if lead["zone_id"] else None),
        due_at=job.due_at,
        attributes={"lead_id": lead["id"]},
    )


async def _made(db: Transaction, resource: Any, permission: Permission, values: Mapping[str, Any]) -> Row:
    _require(db, permission)
    row: Row = await resource.insert(db, resource.settled(None, values))
    return row


async def _moved_on(db: Transaction, lead: Row, status: str, asked: Conversion) -> Row:
    """The lead by its steps to the status. Raises Invalid for a won one that has no value."""
    value = asked.value_cents
    if value is None and lead["value_cents"] is None and asked.job is not None:
        value = asked.job.price_cents
    changes: dict[str, Any] = {} if value is None else {"value_cents": value}
    for step in steps(lead["status"], status):
        lead = await leads.change(db, lead, event=EVENTS[step], **changes, status=step)
        changes = {}
    return await leads.change(db, lead, **changes) if changes else lead


def _require(db: Transaction, permission: Permission) -> None:
    if permission not in db.caller.permissions:
        raise Lacks(db.caller, permission)


def _person(db: Transaction) -> UUID | None:
    return db.caller.user_id if db.caller.user_id.int else None


def _written(row: Row, names: list[str]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value := row[name], datetime) else value for name in names}


def _read(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value is not None and name.endswith("_at") else value


# What was touched


def _lead_touched(lead: Row, conversion: Record) -> list[tuple[str, str]]:
    now = _written(lead, list(conversion["lead_after"]))
    return [
        (f"lead.{name}", "was changed since")
        for name, value in conversion["lead_after"].items()
        if now[name] != value
    ]


async def _touched(db: Transaction, lead: Row, conversion: Record) -> list[tuple[str, str]]:
    """Of each row that was made: whether it was changed, and which kinds of rows refer to it since."""
    found: list[tuple[str, str]] = []
    own = [lead["id"], *(conversion[f"{what}_id"] for what in conversion["made"])]
    for what in conversion["made"]:
        row_id, stamp = conversion[f"{what}_id"], conversion["change_xid"]
        row = await db.fetch_one(
            f"select change_xid = $2 as is_same from {MADE[what]} where id = $1 for update", row_id, stamp
        )
        if row is None or not row["is_same"]:
            found.append((what, "was changed or deleted since"))
        (referring,) = await db.fetch(_referring(what), row_id, stamp, own)
        found += [(what, f"{table} refer to it") for table in referring["tables"]]
    return found


@cache
def _referring(what: str) -> str:
    """SQL for the tables with a row that names ``$1``: none that the conversion ``$2`` wrote, and none of ``$3``.

    Every reference of the store is declared with its target, so a table that comes later is asked too.
    """
    asked = []
    for table in all_tables().sorted_tables:
        for column in table.columns:
            if column.info.get("references") != MADE[what] or table is lead_conversions:
                continue
            there = " and t.deleted_at is null" if "deleted_at" in table.columns else ""
            asked.append(
                f"select '{table.name.replace('_', ' ')}' where exists"
                f" (select from {table.name} t where t.{column.name} = $1 and t.change_xid <> $2"
                f" and t.id <> all ($3::uuid[]){there})"
            )
    return f"select array(select distinct * from ({' union all '.join(asked)}) x order by 1) as tables"
