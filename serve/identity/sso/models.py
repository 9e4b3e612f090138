"""Connections to identity providers, the mail domains that they speak for, and who came in by them."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import Moment, choice, optional, own_table, reference, required, unique

sso_connections = own_table(
    "sso_connections",
    required("name", Text),
    choice("kind", "oidc", "saml"),
    required("is_enabled", Boolean, default="true"),
    required("configuration", JSONB),
    required("user_mapping", JSONB),
    optional("secret", LargeBinary),
    required("changed_by_role", Text),
    optional("tested_at", Moment),
    optional("is_sound", Boolean),
    CheckConstraint("jsonb_typeof(configuration) = 'object'", name="configuration"),
    CheckConstraint("jsonb_typeof(user_mapping) = 'object'", name="user_mapping"),
    unique("name"),
)

sso_domains = own_table(
    "sso_domains",
    reference("connection_id", "sso_connections", owned=True),
    required("domain", Text),
    required("token", Text),
    required("is_enforced", Boolean, default="false"),
    optional("verified_at", Moment),
    CheckConstraint("verified_at is not null or not is_enforced", name="is_enforced"),
    unique("domain"),
)
Index(
    "sso_domains_domain_key",
    sso_domains.c.domain,
    unique=True,
    postgresql_where=text("verified_at is not null"),
)

sso_identities = own_table(
    "sso_identities",
    reference("connection_id", "sso_connections", owned=True, indexed=False),
    required("subject", Text),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    optional("last_login_at", Moment),
    unique("connection_id", "subject"),
    Index(None, "user_id"),
)

sso_attempts = own_table(
    "sso_attempts",
    reference("connection_id", "sso_connections", owned=True),
    required("hash", LargeBinary),
    required("browser_hash", LargeBinary),
    required("return_to", Text),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=True),
    required("expires_at", Moment),
    unique("hash"),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)

sso_assertions = own_table(
    "sso_assertions",
    reference("connection_id", "sso_connections", owned=True, indexed=False),
    required("hash", LargeBinary),
    required("expires_at", Moment),
    unique("connection_id", "hash"),
    Index(None, "expires_at"),
)

sso_connections.info |= {
    "entity": "sso_connection",
    "personal": (),
    "unrecorded": ("secret", "tested_at", "is_sound"),
    "heard_with": "sso:read",
}
sso_domains.info |= {
    "entity": "sso_domain",
    "personal": (),
    "unrecorded": ("token",),
    "heard_with": "sso:read",
}
