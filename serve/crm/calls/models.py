"""Calls with customers: who called whom, when, for how long, and what came of it."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Text, Uuid

from serve.kernel.schema import (
    Moment,
    choice,
    lookup,
    optional,
    reference,
    required,
    resource_table,
    searched,
)

OUTCOMES = ("answered", "voicemail", "no_answer", "busy", "declined", "failed")
PERSONAL = ("from_number", "to_number", "notes", "transcript")

calls = resource_table(
    "calls",
    choice("direction", "inbound", "outbound"),
    optional("from_number", Text),
    optional("to_number", Text),
    reference("contact_id", "contacts", empty=True),
    reference("account_id", "accounts", empty=True),
    reference("job_id", "jobs", empty=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    required("started_at", Moment),
    Column(
        "duration_s",
        Integer,
        CheckConstraint("duration_s >= 0", name="duration_s"),
        nullable=False,
        server_default="0",
    ),
    choice("outcome", *OUTCOMES, default="answered"),
    optional("notes", Text),
    # No foreign key: a file that somebody has deleted goes for good, whoever names it.
    optional("recording_file_id", Uuid),
    optional("transcript", Text),
    choice("transcript_source", "manual", "provider", empty=True),
    optional("transcribed_at", Moment),
    lookup("started_at"),
    lookup("user_id", "started_at"),
    searched(),
    entity="call",
    personal=PERSONAL,
    search=("from_number", "to_number", "notes", "transcript"),
)
