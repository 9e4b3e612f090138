"""Attempts to come in, as far as they concern people of a tenant."""

from sqlalchemy import Column, Computed, Text, Uuid

from serve.kernel.schema import Moment, choice, lookup, optional, required, tenant_table

# What the warehouse may know of a program: on what it ran.
DEVICE = """
    case
        when coalesce(user_agent, '') = '' then null
        when user_agent ~* 'ipad|tablet' or (user_agent ~* 'android' and user_agent !~* 'mobi') then 'tablet'
        when user_agent ~* 'mobi|iphone|android' then 'phone'
        when user_agent ~* 'windows|macintosh|x11|cros' then 'computer'
        else 'other'
    end
"""

sign_ins = tenant_table(
    "sign_ins",
    Column("user_id", Uuid, nullable=False),
    required("happened_at", Moment, default="now()"),
    choice("outcome", "succeeded", "failed"),
    required("method", Text),
    required("kind", Text),
    optional("address", Text),
    optional("country", Text),
    optional("user_agent", Text),
    Column("device", Text, Computed(DEVICE, persisted=True)),
    lookup("user_id", "happened_at"),
    lookup("happened_at"),
)
