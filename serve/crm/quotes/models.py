"""Prices offered to customers before a job: quotes bind, estimates do not. Of a quote each sending is kept.

Both have the same columns and stand in two tables: a row of ``quotes`` is an offer that somebody can accept, for the
warehouse too.
"""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    between,
    choice,
    currency,
    money,
    optional,
    reference,
    required,
    resource_table,
    searched,
    tenant_table,
    unique,
)


def _share(name: str) -> Column[int]:
    """A part of a whole in basis points, 10,000 of which are all of it; empty where there is none."""
    return between(name, Integer, 0, 10_000)


def _sum(name: str) -> Column[int]:
    """An amount that is computed from the lines."""
    return required(name, BigInteger, default="0")


def _offered() -> list[Column[Any]]:
    """What is offered, to whom, on which conditions, and what that comes to."""
    return [
        optional("number", Text),
        reference("contact_id", "contacts", empty=True),
        optional("title", Text),
        optional("introduction", Text),
        optional("terms", Text),
        optional("recipient_name", Text),
        optional("recipient_email", Text),
        required("lines", JSONB, default="'[]'::jsonb"),
        _share("discount_basis_points"),
        money("discount_cents", empty=True),
        _share("deposit_basis_points"),
        optional("valid_until", Date),
        optional("language", Text),
        _sum("subtotal_cents"),
        _sum("discount_total_cents"),
        _sum("net_cents"),
        _sum("tax_cents"),
        _sum("deposit_cents"),
        required("taxes", JSONB, default="'[]'::jsonb"),
    ]


quotes = resource_table(
    "quotes",
    reference("account_id", "accounts"),
    reference("job_id", "jobs", empty=True),
    choice("status", "draft", "sent", "accepted", "declined", "expired", default="draft"),
    money("total_cents"),
    currency(),
    optional("sent_at", Moment),
    optional("decided_at", Moment),
    *_offered(),
    reference("estimate_id", "estimates", empty=True),
    reference("invoice_id", "invoices", empty=True),
    required("version", Integer, default="1"),
    optional("sent_version", Integer),
    optional("accepted_version", Integer),
    optional("expires_at", Moment),
    choice("decided_by", "customer", "staff", empty=True),
    optional("decided_by_name", Text),
    optional("decline_reason", Text),
    optional("converted_at", Moment),
    unique("number"),
    searched(),
    entity="quote",
    personal=("recipient_name", "recipient_email", "decided_by_name"),
    search=("number", "title", "recipient_name"),
)

estimates = resource_table(
    "estimates",
    reference("account_id", "accounts"),
    choice("status", "draft", "quoted", default="draft"),
    money("total_cents"),
    currency(),
    *_offered(),
    unique("number"),
    searched(),
    entity="estimate",
    personal=("recipient_name", "recipient_email"),
    search=("number", "title", "recipient_name"),
    extracted=False,
)

quote_versions = tenant_table(
    "quote_versions",
    reference("quote_id", "quotes", indexed=False),
    reference("account_id", "accounts"),
    required("version", Integer),
    required("document", JSONB),
    money("total_cents"),
    currency(),
    optional("recipient_email", Text),
    Column("pdf", LargeBinary, nullable=True, info={"exported": True}),
    required("pdf_sha256", Text),
    required("sent_at", Moment, default="now()"),
    required("expires_at", Moment),
    CheckConstraint("version > 0", name="version"),
    unique("quote_id", "version"),
)
