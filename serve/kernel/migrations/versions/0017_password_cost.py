"""Passwords are hashed anew when the cost of a hash has changed."""

from serve.kernel.migrations.guards import run

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

RENEW = """
-- The same password with another hash: not if it was changed meanwhile.
create function auth_renew_password_hash(p_user_id uuid, p_old text, p_new text) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update users set password_hash = p_new where id = p_user_id and password_hash = p_old
$$;
revoke all on function auth_renew_password_hash from public;
grant execute on function auth_renew_password_hash to throughline_api;
"""


def upgrade() -> None:
    run(RENEW)


def downgrade() -> None:
    run("drop function auth_renew_password_hash(uuid, text, text)")
