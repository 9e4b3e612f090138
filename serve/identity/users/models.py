"""People who log in. They have no tenant; ``memberships`` give them one or several."""

from sqlalchemy import Boolean, Index, PrimaryKeyConstraint, Table, Text, func

from serve.kernel.schema import (
    Moment,
    change_xid,
    created_at,
    metadata,
    optional,
    required,
    row_id,
    updated_at,
)

users = Table(
    "users",
    metadata,
    row_id(),
    required("email", Text),
    required("full_name", Text),
    optional("password_hash", Text),
    required("is_active", Boolean, default="true"),
    optional("last_login_at", Moment),
    created_at(),
    updated_at(),
    change_xid(),
    optional("phone", Text),
    optional("job_title", Text),
    optional("email_verified_at", Moment),
    PrimaryKeyConstraint("id"),
)
Index("users_lower_email_key", func.lower(users.c.email), unique=True)
