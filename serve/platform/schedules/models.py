"""Schedules: actions at a time; and each time that came."""

from sqlalchemy import CheckConstraint, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    choice,
    lookup,
    optional,
    own_table,
    reference,
    required,
    resource_table,
)

UNRECORDED = ("next_run_at", "waiting_since", "params")

schedules = resource_table(
    "schedules",
    required("name", Text),
    optional("description", Text),
    required("operation_id", Text),
    required("params", JSONB, default="'{}'::jsonb"),
    optional("cron", Text),
    optional("run_at", Moment),
    required("timezone", Text),
    choice("overlap", "skip", "queue", "allow", "cancel_previous"),
    required("catch_up_s", Integer),
    optional("ends_at", Moment),
    choice("status", "active", "paused", "finished", default="active"),
    optional("next_run_at", Moment),
    optional("waiting_since", Moment),
    optional("user_id", Uuid),
    optional("api_key_id", Uuid),
    CheckConstraint("(cron is null) <> (run_at is null)", name="one_time"),
    entity="schedule",
    search=("name", "description", "operation_id"),
    unrecorded=UNRECORDED,
    extracted=False,
)
Index(
    "schedules_due_idx",
    schedules.c.next_run_at,
    postgresql_where=text("status = 'active' and deleted_at is null"),
)

schedule_runs = own_table(
    "schedule_runs",
    reference("schedule_id", "schedules", indexed=False),
    required("due_at", Moment),
    choice("trigger", "schedule", "person"),
    choice("outcome", "started", "skipped", "waiting", "missed"),
    optional("reason", Text),
    required("missed_count", Integer, default="0"),
    optional("task_id", Uuid),
    lookup("schedule_id", "due_at"),
)
