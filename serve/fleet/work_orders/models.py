"""Maintenance of vehicles: planned, after a failure, or an inspection."""

from sqlalchemy import Boolean, Double, Text

from serve.kernel.schema import (
    Moment,
    choice,
    currency,
    lookup,
    money,
    optional,
    reference,
    required,
    tenant_table,
)

work_orders = tenant_table(
    "work_orders",
    reference("vehicle_id", "vehicles"),
    choice("kind", "preventive", "corrective", "inspection"),
    optional("component", Text),
    required("is_failure", Boolean),
    choice("status", "open", "in_progress", "done", "cancelled", default="open"),
    required("opened_at", Moment),
    optional("started_at", Moment),
    optional("completed_at", Moment),
    optional("downtime_h", Double),
    money("labour_cents"),
    money("parts_cents"),
    currency(),
    optional("odometer_km", Double),
    optional("description", Text),
    lookup("status", "opened_at"),
)
