"""Purposes, the texts that people are shown, and each time that somebody agreed or took it back."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.schema import ForeignKey

from serve.kernel.schema import (
    Moment,
    choice,
    created_at,
    metadata,
    optional,
    own_table,
    reference,
    reference_keys,
    required,
    resource_table,
    row_id,
    unique,
)

BASES = (
    *("consent", "contract", "legal_obligation", "vital_interests", "public_task"),
    "legitimate_interests",
)
SUBJECTS = ("contact", "lead", "provider", "account", "user", "employee")
CHANNELS = ("any", "email", "sms", "phone", "whatsapp", "post", "web")

consent_purposes = resource_table(
    "consent_purposes",
    required("key", Text),
    required("name", Text),
    optional("description", Text),
    choice("lawful_basis", *BASES),
    required("is_active", Boolean, default="true"),
    unique("key"),
    entity="consent_purpose",
    search=("key", "name"),
    extracted=False,
)

consent_texts = own_table(
    "consent_texts",
    reference("purpose_id", "consent_purposes", indexed=False),
    Column("version", Integer, CheckConstraint("version > 0", name="version"), nullable=False),
    required("language", Text),
    required("text", Text),
    unique("purpose_id", "version", "language"),
)
consent_texts.info |= {"entity": "consent_text", "personal": (), "unrecorded": ("text",)}

_purpose = reference("purpose_id", "consent_purposes", indexed=False)

consents = Table(
    "consents",
    metadata,
    row_id(),
    Column("tenant_id", Uuid, ForeignKey("tenants.id"), nullable=False),
    choice("subject_kind", *SUBJECTS),
    required("subject_id", Uuid),
    _purpose,
    choice("channel", *CHANNELS),
    choice("decision", "granted", "withdrawn"),
    required("decided_at", Moment),
    optional("text_version", Integer),
    required("source", Text),
    optional("evidence", Text),
    optional("recorded_by", Uuid),
    created_at(),
    PrimaryKeyConstraint("id"),
    *reference_keys([_purpose]),
    Index(None, "tenant_id", "subject_kind", "subject_id", "decided_at"),
    Index(None, "tenant_id", "created_at"),
)
consents.info |= {"entity": "consent", "personal": (), "unrecorded": ("evidence",)}
