"""When somebody has last come in is said of this tenant alone, on the page about security as on the list of people."""

from serve.kernel.migrations.guards import run

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

PEOPLE = """
create or replace function security_people()
returns table (
    user_id uuid, role text, is_active boolean, member_since timestamptz, last_came_at timestamptz,
    open_session_count integer
)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, m.role, u.is_active and m.state = 'active', m.created_at,
        (
            select max(s.happened_at) from sign_ins s
            where s.tenant_id = m.tenant_id and s.user_id = u.id and s.outcome = 'succeeded'
        ),
        (
            select count(*)::integer from sessions s
            where s.user_id = u.id and s.tenant_id = m.tenant_id and s.ended_at is null and s.expires_at > now()
        )
    from memberships m join users u on u.id = m.user_id
    where m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
$$;
"""
HERE = """(
            select max(s.happened_at) from sign_ins s
            where s.tenant_id = m.tenant_id and s.user_id = u.id and s.outcome = 'succeeded'
        )"""


def upgrade() -> None:
    run(PEOPLE)


def downgrade() -> None:
    run(PEOPLE.replace(HERE, "u.last_login_at"))
