"""Quotes and estimates as they are written: numbered, counted, and in versions once they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.crm.accounts.endpoints import accounts
from serve.crm.contacts.endpoints import contacts
from serve.crm.quotes import models
from serve.crm.quotes.errors import EstimateNotOpen, QuoteDecided
from serve.crm.quotes.rules import CONTENT, COUNTED_FROM, check_estimate, check_quote, counted
from serve.crm.quotes.schemas import EstimateFields, EstimateRead, OfferFields, QuoteFields, QuoteRead
from serve.kernel.db import Transaction
from serve.kernel.envelope import Input
from serve.kernel.errors import Invalid, NotFound
from serve.kernel.events import event
from serve.kernel.resources import Resource, Row
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.store import check_version
from serve.platform.numbers.service import next_number

QUOTED = event("estimate.quoted", "The estimate has become a quote: that one names it.")
CALLS = ("list", "get", "delete", "restore", "history", "stats", "export")
UNDECIDED = {
    "status": "draft",
    **dict.fromkeys(
        ("sent_at", "expires_at", "decided_at", "decided_by", "decided_by_name", "decline_reason")
    ),
}
"""What becomes of a quote that was declined, or came to nothing, once it is changed: it is written anew."""


class Quotes(Resource):
    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        """Not what was accepted; the link of one that was sent opens nothing more. Raises NotFound or QuoteDecided."""
        if (await self.get(db, row_id, lock=True))["status"] == "accepted":
            raise QuoteDecided
        return await super().delete(db, row_id)


quotes = Quotes(
    models.quotes, fields=QuoteFields, read=QuoteRead, rule=check_quote, calls=CALLS, deleting=(QuoteDecided,)
)
estimates = Resource(
    models.estimates,
    fields=EstimateFields,
    read=EstimateRead,
    rule=check_estimate,
    calls=CALLS,
    permission="quotes",
)
SERIES = {quotes.name: "Q", estimates.name: "E"}


async def create(db: Transaction, resource: Resource, written: OfferFields) -> Row:
    """Numbered and counted. Raises Invalid."""
    values = values_of(written, sent_only=False)
    values["currency"] = values["currency"] or await own_currency(db)
    values = resource.settled(None, values)
    await check_people(db, values)
    # The number comes last: whoever takes one holds the others up.
    values |= counted(values) | {"number": await next_number(db, SERIES[resource.name], among="quotes")}
    return await resource.insert(db, values)


async def change(
    db: Transaction, resource: Resource, row_id: UUID, written: Input, if_match: str | None
) -> Row:
    """What was sent stays as it was sent: a change of it is the next version, which nobody sees before it is sent.

    Raises NotFound, LostUpdate, Invalid, QuoteDecided or EstimateNotOpen.
    """
    before = await resource.get(db, row_id, lock=True)
    check_version(if_match, before)
    changes = values_of(written, sent_only=True)
    if "lines" in changes:  # a line is whole: what it does not mention is as usual, not as it was
        changes["lines"] = values_of(written, sent_only=False)["lines"]
    if "currency" in changes:
        changes["currency"] = changes["currency"] or await own_currency(db)
    changes = resource.settled(before, changes)
    after = {**before, **changes}
    if not changes.keys().isdisjoint(("account_id", "contact_id")):
        await check_people(db, after)
    if not changes.keys().isdisjoint(COUNTED_FROM):  # what came from elsewhere has a total and no lines
        changes |= counted(after)
    if resource is quotes and _is_other(before, changes):
        if before["version"] == before["sent_version"]:
            changes["version"] = before["version"] + 1
        if before["status"] in ("declined", "expired"):
            changes |= UNDECIDED
    return await resource.update(db, before, changes)


async def quote_of(db: Transaction, estimate_id: UUID) -> Row:
    """A quote that says what the estimate says; once. Raises NotFound or EstimateNotOpen."""
    estimate = await estimates.get(db, estimate_id, lock=True)
    if estimate["status"] == "quoted":
        raise EstimateNotOpen
    values = {name: estimate[name] for name in CONTENT}
    await check_people(db, values)
    values |= counted(values) | {
        "estimate_id": estimate_id,
        "number": await next_number(db, SERIES[quotes.name], among="quotes"),
    }
    await estimates.update(db, estimate, {"status": "quoted"}, event=QUOTED)
    return await quotes.insert(db, values)


async def check_people(db: Transaction, values: Mapping[str, Any]) -> None:
    """The customer is there, and the person is theirs. Raises Invalid."""
    account_id, contact_id = str(values["account_id"]), values["contact_id"]
    try:
        await accounts.get(db, UUID(account_id))
    except NotFound as absent:
        raise Invalid(details=[("account_id", "names nothing that exists")]) from absent
    if contact_id is None:
        return
    try:
        contact = await contacts.get(db, UUID(str(contact_id)))
    except NotFound as absent:
        raise Invalid(details=[("contact_id", "names nothing that exists")]) from absent
    if contact["account_id"] not in (None, account_id):
        raise Invalid(details=[("contact_id", "is a person at another account")])


async def own_currency(db: Transaction) -> str:
    found = await db.fetch_one("select currency from tenants where id = $1", db.caller.tenant_id)
    assert found is not None
    currency: str = found["currency"]
    return currency


def _is_other(before: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Whether the quote says something else."""
    return any(
        str(before[name]) != str(changes[name])
        if isinstance(changes[name], UUID)
        else before[name] != changes[name]
        for name in CONTENT
        if name in changes
    )
