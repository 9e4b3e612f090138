"""Campaigns with their cost, and what their audience did."""

from sqlalchemy import Text

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

campaigns = tenant_table(
    "campaigns",
    required("name", Text),
    choice("channel", "email", "sms", "whatsapp", "ads"),
    choice("status", "draft", "running", "paused", "finished", default="draft"),
    money("cost_cents"),
    currency(),
    optional("started_at", Moment),
    optional("ended_at", Moment),
)

campaign_events = tenant_table(
    "campaign_events",
    reference("campaign_id", "campaigns", owned=True),
    reference("lead_id", "leads", empty=True),
    reference("contact_id", "contacts", empty=True),
    choice(
        "kind", "send", "delivery", "open", "click", "reply", "bounce", "unsubscribe", "visit", "conversion"
    ),
    required("happened_at", Moment),
    money("value_cents", empty=True),
    optional("variant", Text),
    lookup("happened_at"),
)
