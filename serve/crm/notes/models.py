"""What people write down about a lead, a contact or an account."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Text, Uuid

from serve.kernel.schema import reference, required, resource_table, searched

notes = resource_table(
    "notes",
    reference("lead_id", "leads", empty=True, owned=True),
    reference("contact_id", "contacts", empty=True, owned=True),
    reference("account_id", "accounts", empty=True, owned=True),
    required("body", Text),
    required("is_pinned", Boolean, default="false"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    searched(),
    CheckConstraint("num_nonnulls(lead_id, contact_id, account_id) = 1", name="about"),
    entity="note",
    personal=("body",),
    search=("body",),
    extracted=False,
)
