"""Invitations to work for a tenant. The token of the mail stands, as a hash, in ``account_tokens``."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Text, Uuid, func, text

from serve.kernel.schema import Moment, optional, reference, required, resource_table

invitations = resource_table(
    "invitations",
    required("email", Text),
    optional("full_name", Text),
    required("role", Text),
    optional("message", Text),
    optional("job_title", Text),
    reference("department_id", "departments", empty=True),
    reference("manager_id", "employees", empty=True),
    reference("employee_id", "employees", empty=True),
    Column("invited_by", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    Column("accepted_by", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    required("sent_count", Integer, default="1"),
    required("sent_at", Moment, default="now()"),
    required("expires_at", Moment),
    optional("accepted_at", Moment),
    optional("revoked_at", Moment),
    entity="invitation",
    personal=("email", "full_name", "message"),
    search=("email", "full_name"),
)
Index(
    "invitations_open_email_key",
    invitations.c.tenant_id,
    func.lower(invitations.c.email),
    unique=True,
    postgresql_where=text("accepted_at is null and revoked_at is null"),
)
