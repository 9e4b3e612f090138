"""What umbrellas have asked of tenants: to become their children. A row is the umbrella's, naming the other by slug."""

from sqlalchemy import Column, ForeignKey, Index, Text, Uuid, text

from serve.kernel.schema import Moment, choice, optional, required, resource_table

umbrella_requests = resource_table(
    "umbrella_requests",
    required("child_slug", Text),
    optional("message", Text),
    choice("state", "pending", "accepted", "declined", "withdrawn", default="pending"),
    optional("asked_by", Uuid),
    required("expires_at", Moment),
    optional("answered_at", Moment),
    Column("child_id", Uuid, ForeignKey("tenants.id"), nullable=True),
    entity="umbrella_request",
    unrecorded=("message",),
    extracted=False,
)
Index(
    "umbrella_requests_open_key",
    umbrella_requests.c.tenant_id,
    umbrella_requests.c.child_slug,
    unique=True,
    postgresql_where=text("state = 'pending'"),
)
Index(None, umbrella_requests.c.child_slug)
