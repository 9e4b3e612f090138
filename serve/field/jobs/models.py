"""Work requested by customers, and every change of its status."""

from sqlalchemy import Boolean, Double, Integer, Text, Uuid

from serve.kernel.schema import (
    Moment,
    attributes,
    between,
    choice,
    currency,
    lookup,
    money,
    optional,
    reference,
    required,
    tenant_table,
)

STATUSES = ("new", "assigned", "in_progress", "completed", "cancelled")

jobs = tenant_table(
    "jobs",
    reference("account_id", "accounts", empty=True),
    reference("provider_id", "providers", empty=True),
    reference("zone_id", "zones", empty=True),
    required("service", Text),
    optional("channel", Text),
    choice("status", *STATUSES, default="new"),
    required("requested_at", Moment),
    optional("due_at", Moment),
    optional("assigned_at", Moment),
    optional("started_at", Moment),
    optional("completed_at", Moment),
    optional("cancelled_at", Moment),
    money("price_cents"),
    money("cost_cents"),
    currency(),
    between("rating", Integer, 1, 5),
    optional("is_late", Boolean),
    between("latitude", Double, -90, 90),
    between("longitude", Double, -180, 180),
    attributes(),
    lookup("status", "requested_at"),
)

job_status_changes = tenant_table(
    "job_status_changes",
    reference("job_id", "jobs", owned=True),
    choice("from_status", *STATUSES, empty=True),
    choice("to_status", *STATUSES),
    required("changed_at", Moment),
    optional("changed_by", Uuid),
)
