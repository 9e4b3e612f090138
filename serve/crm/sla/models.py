"""When a firm works, and how soon it promises to answer and to help."""

from sqlalchemy import Boolean, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.crm.tickets.models import CHANNELS, PRIORITIES
from serve.kernel.schema import choice, optional, reference, required, resource_table, unique

business_calendars = resource_table(
    "business_calendars",
    required("name", Text),
    required("timezone", Text),
    required("hours", JSONB),
    optional("country", Text),
    optional("subdivision", Text),
    required("closed_days", JSONB, default="'[]'::jsonb"),
    unique("name"),
    entity="business_calendar",
    search=("name",),
    extracted=False,
)

sla_policies = resource_table(
    "sla_policies",
    required("name", Text),
    required("position", Integer, default="100"),
    required("is_default", Boolean, default="false"),
    required("is_active", Boolean, default="true"),
    choice("priority", *PRIORITIES, empty=True),
    choice("channel", *CHANNELS, empty=True),
    choice("segment", "enterprise", "smb", "consumer", empty=True),
    reference("calendar_id", "business_calendars", empty=True),
    optional("first_reply_minutes", Integer),
    optional("resolution_minutes", Integer),
    optional("warn_before_minutes", Integer),
    required("notify_user_ids", JSONB, default="'[]'::jsonb"),
    required("raises_priority", Boolean, default="false"),
    optional("reassign_to_id", Uuid),
    unique("name"),
    entity="sla_policy",
    search=("name",),
)
Index(
    "sla_policies_is_default_key",
    sla_policies.c.tenant_id,
    unique=True,
    postgresql_where=text("is_default and deleted_at is null"),
)
for _table in (business_calendars, sla_policies):
    _table.info["heard_with"] = "sla:read"
