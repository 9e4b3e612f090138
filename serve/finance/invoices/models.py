"""Invoices and their lines; a return is an invoice of its own with negative amounts."""

from sqlalchemy import Boolean, CheckConstraint, Date, Double, Integer, Text

from serve.kernel.schema import (
    Moment,
    asked_by,
    choice,
    currency,
    lookup,
    money,
    optional,
    ranged_by,
    reference,
    required,
    resource_table,
    searched,
    tenant_table,
    unique,
)

STATUSES = ("draft", "sent", "paid", "overdue", "void", "returned")

invoices = resource_table(
    "invoices",
    reference("account_id", "accounts"),
    reference("job_id", "jobs", empty=True),
    required("number", Text),
    choice("status", *STATUSES, default="draft"),
    required("issued_at", Moment),
    optional("due_date", Date),
    optional("paid_at", Moment),
    money("net_cents"),
    money("tax_cents"),
    money("total_cents"),
    currency(),
    required("is_return", Boolean, default="false"),
    CheckConstraint("total_cents = net_cents + tax_cents", name="total"),
    unique("number"),
    lookup("issued_at"),
    asked_by("status"),
    ranged_by("due_date"),
    searched(),
    entity="invoice",
    search=("number",),
)

invoice_lines = tenant_table(
    "invoice_lines",
    reference("invoice_id", "invoices", owned=True, indexed=False),
    required("line_no", Integer),
    optional("product_code", Text),
    required("description", Text),
    required("quantity", Double),
    money("unit_price_cents"),
    money("net_cents"),
    money("cost_cents"),
    unique("invoice_id", "line_no"),
)
