"""Seeing a tenant with somebody else's eyes."""

from sqlalchemy import Column, ForeignKey, Index, Text, Uuid

from serve.kernel.schema import Moment, lookup, optional, own_table, required

impersonations = own_table(
    "impersonations",
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("impersonator_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", Uuid, nullable=True),  # of who looks
    required("reason", Text),
    required("ends_at", Moment),
    optional("ended_at", Moment),
    lookup("created_at"),
    Index(None, "user_id"),
    Index(None, "impersonator_id"),
    Index(None, "session_id"),
)
impersonations.info |= {"entity": "impersonation", "personal": (), "unrecorded": ()}
