"""Requests of people about their data, what may not be erased, and what became of those who were."""

from sqlalchemy import CheckConstraint, Date, Index, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    choice,
    lookup,
    optional,
    own_table,
    required,
    resource_table,
    unique,
)

SUBJECTS = ("contact", "lead", "provider", "account", "user", "employee")
STATES = ("received", "verified", "running", "done", "refused", "failed", "withdrawn")

privacy_requests = resource_table(
    "privacy_requests",
    choice("kind", "access", "erasure", "rectification", "restriction"),
    choice("status", *STATES, default="received"),
    choice("subject_kind", *SUBJECTS, "address"),
    optional("subject_id", Uuid),
    optional("email", Text),
    optional("note", Text),
    required("received_at", Moment),
    required("due_at", Moment),
    optional("identity_verified_at", Moment),
    optional("identity_verified_by", Uuid),
    optional("identity_method", Text),
    optional("decided_at", Moment),
    optional("decided_by", Uuid),
    optional("decision_reason", Text),
    optional("task_id", Uuid),
    optional("finished_at", Moment),
    optional("result", JSONB),
    optional("sealed_identifiers", LargeBinary),
    CheckConstraint("(subject_kind = 'address') = (subject_id is null)", name="subject"),
    lookup("subject_kind", "subject_id"),
    entity="privacy_request",
    personal=("email", "note"),
    unrecorded=("result", "sealed_identifiers"),
    extracted=False,
)

privacy_holds = resource_table(
    "privacy_holds",
    choice("subject_kind", *SUBJECTS),
    required("subject_id", Uuid),
    required("reason", Text),
    optional("until_date", Date),
    optional("released_at", Moment),
    optional("released_by", Uuid),
    lookup("subject_kind", "subject_id"),
    entity="privacy_hold",
    extracted=False,
)

privacy_kept = own_table(
    "privacy_kept",
    optional("request_id", Uuid),
    required("table_name", Text),
    required("row_id", Uuid),
    required("reason", Text),
    required("until_date", Date),
    unique("table_name", "row_id"),
    Index(None, "tenant_id", "until_date"),
)

privacy_suppressions = own_table(
    "privacy_suppressions",
    optional("request_id", Uuid),
    choice("kind", "email", "phone"),
    required("hash", LargeBinary),
    unique("hash"),
)
