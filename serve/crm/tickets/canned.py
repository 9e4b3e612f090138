"""Replies that are written once: texts with places, which are filled in for a ticket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.crm.tickets.models import canned_replies as table
from serve.crm.tickets.schemas import CannedFields
from serve.crm.tickets.service import tickets
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources import Resource

PLACES = (
    *("contact.full_name", "contact.email", "account.name", "ticket.number", "ticket.subject"),
    *("ticket.resolution", "agent.full_name", "company.name"),
)
_PLACE = re.compile(r"\{\{ ?([^{}]{0,100}?) ?\}\}")
_VALUES = """
    select c.full_name as "contact.full_name", c.email as "contact.email", a.name as "account.name",
        t.number as "ticket.number", t.subject as "ticket.subject", t.resolution as "ticket.resolution",
        m.full_name as "agent.full_name", w.name as "company.name"
    from tickets t
    join tenants w on w.id = t.tenant_id
    join accounts a on a.tenant_id = t.tenant_id and a.id = t.account_id
    left join contacts c on c.tenant_id = t.tenant_id and c.id = t.contact_id and c.deleted_at is null
    left join tenant_members() m on m.tenant_id = t.tenant_id and m.user_id = $2
    where t.id = $1
"""


def places_of(body: str) -> list[str]:
    """The places of a text, known or not.

    >>> places_of("Dear {{contact.full_name}}, {{ticket.number}} is {{ done }}.")
    ['contact.full_name', 'ticket.number', 'done']
    """
    return [found[1] for found in _PLACE.finditer(body)]


def check_canned(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Each place has a known name, and no brackets stand open. Raises Invalid."""
    wrong = [
        ("body", f"{{{{{name}}}}} is no place; there are: {', '.join(PLACES)}")
        for name in dict.fromkeys(places_of(after["body"]))
        if name not in PLACES
    ]
    if re.search(r"\{\{|\}\}", _PLACE.sub("", after["body"])):
        wrong.append(("body", "has brackets that do not close: write {{contact.full_name}}"))
    if wrong:
        raise Invalid(details=wrong)


def filled(body: str, values: Mapping[str, Any]) -> str:
    """The text for somebody; what stands in a value is no place. Raises Invalid naming the places without a value."""
    missing = [name for name in dict.fromkeys(places_of(body)) if values.get(name) in (None, "")]
    if missing:
        raise Invalid(details=[("ticket_id", f"has nothing for {{{{{name}}}}}") for name in missing])
    return _PLACE.sub(lambda found: str(values[found[1]]), body)


canned_replies = Resource(table, fields=CannedFields, rule=check_canned, permission="tickets")


async def render(db: Transaction, canned_id: UUID, ticket_id: UUID) -> str:
    """Raises CannedReplyNotFound, or Invalid for a ticket that there is not or that lacks something."""
    canned = await canned_replies.get(db, canned_id)
    try:
        await tickets.get(db, ticket_id)
    except tickets.NotFound as absent:
        raise Invalid(details=[("ticket_id", "names nothing that exists")]) from absent
    values = await db.fetch_one(_VALUES, ticket_id, db.caller.user_id)
    assert values is not None
    return filled(canned["body"], values)
