"""Whose events concern an account or a contact: which rows, and who may read of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from serve.crm.activity.schemas import Kind
from serve.kernel.permissions import Permission

_ACCOUNT = "{} in (select id from one)"
_PEOPLE = "{} in (select c.id from contacts c where c.account_id in (select id from one))"
_LEADS = "{} in (select l.id from leads l where l.account_id in (select id from one))"
_LEADS_OF_CONTACT = "{} in (select l.id from leads l where l.contact_id in (select id from one))"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of ``table`` that concern an account (``of_account``, SQL) or a contact; ``one`` is it and all that were
    merged into it. ``label`` is SQL. Rows of a table without personal columns (``has_people``) have no key."""

    kind: Kind
    entity: str
    table: str
    permission: Permission
    label: str
    of_account: str
    of_contact: str
    has_people: bool = True

    def sql(self, entity: str) -> str:
        where = self.of_account if entity == "account" else self.of_contact
        key = "t.person_key" if self.has_people else "null::bytea as person_key"
        return (
            f"select '{self.kind}' as kind, '{self.entity}' as entity_type, t.tenant_id, t.id, {key},"
            f" {self.label} as label from {self.table} t where {where}"
        )


def _at(column: str, where: str) -> str:
    return where.format(f"t.{column}")


SOURCES = (
    Source("account", "account", "accounts", "accounts:read", "t.name", _at("id", _ACCOUNT), "false"),
    Source(
        *("contact", "contact", "contacts", "contacts:read", "t.full_name"),
        *(_at("account_id", _ACCOUNT), _at("id", _ACCOUNT)),
    ),
    Source(
        *("lead", "lead", "leads", "leads:read", "coalesce(t.full_name, t.company)"),
        *(_at("account_id", _ACCOUNT), _at("contact_id", _ACCOUNT)),
    ),
    Source(
        *("lead", "lead_activity", "lead_activities", "leads:read", "t.kind"),
        *(_at("lead_id", _LEADS), _at("lead_id", _LEADS_OF_CONTACT)),
    ),
    Source(
        *("ticket", "ticket", "tickets", "tickets:read", "t.subject"),
        *(_at("account_id", _ACCOUNT), _at("contact_id", _ACCOUNT)),
    ),
    Source(
        *("ticket", "ticket_reply", "ticket_replies", "tickets:read", "null"),
        *(_at("account_id", _ACCOUNT), _at("contact_id", _ACCOUNT)),
    ),
    *(
        Source(
            *("quote", entity, table, "quotes:read", "coalesce(t.number, t.title)"),  # type: ignore[arg-type]
            *(_at("account_id", _ACCOUNT), _at("contact_id", _ACCOUNT)),
        )
        for entity, table in (("quote", "quotes"), ("estimate", "estimates"))
    ),
    Source(
        *("invoice", "invoice", "invoices", "invoices:read", "t.number"),
        *(_at("account_id", _ACCOUNT), "false"),
        has_people=False,
    ),
    Source(
        *("payment", "payment", "payments", "payments:read", "t.method"),
        *(_at("account_id", _ACCOUNT), "false"),
        has_people=False,
    ),
    Source(
        *("call", "call", "calls", "calls:read", "t.direction"),
        *(f"{_at('account_id', _ACCOUNT)} or {_at('contact_id', _PEOPLE)}", _at("contact_id", _ACCOUNT)),
    ),
    # A note is read by whoever reads what it is about.
    Source("note", "note", "notes", "accounts:read", "null", _at("account_id", _ACCOUNT), "false"),
    Source(
        *("note", "note", "notes", "contacts:read", "null"),
        *(_at("contact_id", _PEOPLE), _at("contact_id", _ACCOUNT)),
    ),
    Source(
        *("note", "note", "notes", "leads:read", "null"),
        *(_at("lead_id", _LEADS), _at("lead_id", _LEADS_OF_CONTACT)),
    ),
    Source(
        *("review", "review_request", "review_requests", "review_requests:read", "t.status"),
        *(_at("contact_id", _PEOPLE), _at("contact_id", _ACCOUNT)),
    ),
)


def sources_of(entity: str) -> Iterator[Source]:
    """Those that an account, or a contact, can have."""
    return (source for source in SOURCES if entity == "account" or source.of_contact != "false")
