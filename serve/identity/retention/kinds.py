"""What can be kept for a time and no longer: which rows are over, and what becomes of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from serve.identity.privacy import erasure
from serve.identity.privacy.people import OWN, Person
from serve.identity.privacy.registry import ERASED, NO_ADDRESS
from serve.kernel.db import Transaction

Ids = list[str]
End = Callable[[Transaction, Ids, str], Awaitable[dict[str, Any]]]
"""Ends these rows; gives what the world outside must do: ``files``, ``messages``, ``ids`` and ``below_xid``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``over`` is true for rows of ``table`` that are older than ``$1`` (a moment)."""

    meaning: str
    usual_days: int
    table: str
    over: str
    end: End


async def _erase_leads(db: Transaction, ids: Ids, secret: str) -> dict[str, Any]:
    """As people, but of these rows alone: whoever is a customer by now stays one."""
    return await erasure.erase(db, Person({"lead": {*ids}}), request_id=None, secret=secret)


async def _blank_mails(db: Transaction, ids: Ids, secret: str) -> dict[str, Any]:
    return await erasure.end_rows(db, "mails", ids)


def _delete(table: str) -> End:
    async def end(db: Transaction, ids: Ids, secret: str) -> dict[str, Any]:
        await db.execute(f"delete from {table} where {OWN} and id = any($1::uuid[])", ids)
        return {}

    return end


async def _throw_away(db: Transaction, ids: Ids, secret: str) -> dict[str, Any]:
    """The collector removes their bytes when nobody has brought them back."""
    await db.execute(f"update files set deleted_at = now() where {OWN} and id = any($1::uuid[])", ids)
    return {}


KINDS: Final[dict[str, Kind]] = {
    "leads_without_contact": Kind(
        "People who never became customers and with whom nothing has happened since: erased.",
        730,
        "leads",
        "t.status in ('new', 'contacted', 'lost') and t.created_at < $1"
        f" and (t.full_name <> '{ERASED}' or t.email is not null or t.phone is not null)"
        " and not exists (select from lead_activities a where a.tenant_id = t.tenant_id and a.lead_id = t.id"
        "  and a.happened_at >= $1)"
        " and not exists (select from messages m where m.tenant_id = t.tenant_id and m.lead_id = t.id"
        "  and m.sent_at >= $1)",
        _erase_leads,
    ),
    "mails": Kind(
        "Mails that have ended: address, subject and text are blanked.",
        730,
        "mails",
        "t.state in ('sent', 'failed', 'cancelled') and t.created_at < $1"
        f" and t.to_address <> '{NO_ADDRESS}'",
        _blank_mails,
    ),
    "notifications": Kind(
        "What people were told inside the product: removed.",
        180,
        "notifications",
        "t.created_at < $1",
        _delete("notifications"),
    ),
    "api_requests": Kind(
        "The log of who called which route: removed, in the warehouse too.",
        400,
        "api_requests",
        "t.requested_at < $1",
        _delete("api_requests"),
    ),
    "loose_files": Kind(
        "Files that belong to no row: deleted, and gone for good when the time to restore them is over.",
        1825,
        "files",
        "t.deleted_at is null and t.purpose = 'attachment' and t.entity_type is null and t.created_at < $1",
        _throw_away,
    ),
    "privacy_requests": Kind(
        "Requests of people that were answered: removed when nobody can ask for proof any more.",
        1095,
        "privacy_requests",
        "t.status in ('done', 'refused', 'withdrawn') and t.kind <> 'restriction' and t.finished_at < $1",
        _delete("privacy_requests"),
    ),
}


def over(kind: Kind, columns: str = "t.id") -> str:
    """The SELECT of a kind's rows that are over, but ``$2``: those that a hold keeps (``erasure.held_rows``)."""
    return f"select {columns} from {kind.table} t where t.{OWN} and t.id <> all($2::uuid[]) and {kind.over}"
