"""More power for a while."""

from sqlalchemy import Column, ForeignKey, Index, Text, Uuid

from serve.kernel.schema import Moment, lookup, optional, own_table, required

elevations = own_table(
    "elevations",
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", Uuid, nullable=False),
    required("from_role", Text),
    required("to_role", Text),
    required("reason", Text),
    required("ends_at", Moment),
    optional("ended_at", Moment),
    lookup("created_at"),
    Index(None, "session_id"),
    Index(None, "user_id"),
)
elevations.info |= {"entity": "elevation", "personal": (), "unrecorded": ()}
