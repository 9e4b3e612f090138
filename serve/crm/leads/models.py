"""People or companies who may become customers, and what happened with them."""

from sqlalchemy import Date, Double, Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    attributes,
    choice,
    currency,
    lookup,
    money,
    optional,
    reference,
    required,
    share,
    tenant_table,
)

leads = tenant_table(
    "leads",
    reference("account_id", "accounts", empty=True),
    reference("campaign_id", "campaigns", empty=True),
    required("full_name", Text),
    optional("email", Text),
    optional("phone", Text),
    optional("company", Text),
    required("source", Text),
    choice("status", "new", "contacted", "qualified", "won", "lost", default="new"),
    money("cost_cents"),
    currency(),
    money("value_cents", empty=True),
    optional("first_replied_at", Moment),
    optional("won_at", Moment),
    optional("lost_at", Moment),
    optional("snapshot_date", Date),
    share("score"),
    optional("score_reasons", JSONB),
    optional("scored_at", Moment),
    attributes(),
    lookup("status", "created_at"),
)
leads.info |= {"entity": "lead", "personal": ("full_name", "email", "phone"), "unrecorded": ()}

lead_activities = tenant_table(
    "lead_activities",
    reference("lead_id", "leads", owned=True),
    choice("kind", "visit", "call", "email", "reply", "meeting", "note"),
    choice("direction", "in", "out", empty=True),
    required("happened_at", Moment),
    optional("duration_s", Double),
    attributes(),
)
