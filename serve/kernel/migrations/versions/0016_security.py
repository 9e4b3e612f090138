"""What the security page and the report of isolation remember."""

from serve.kernel.migrations.guards import create_resource, run

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHECKS = """
    task_id uuid not null,
    user_id uuid,
    outcome text not null check (outcome in ('held', 'broken')),
    held_count integer not null,
    broken_count integer not null,
    not_tried_count integer not null,
    held jsonb not null default '[]'::jsonb,
    findings jsonb not null default '[]'::jsonb,
    program text not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    unique (tenant_id, task_id)
"""
THREATS = """
    kind text not null check (kind in ('impossible_travel', 'new_country', 'attacked_account', 'credential_stuffing')),
    severity text not null check (severity in ('low', 'medium', 'high')),
    user_id uuid,
    key text not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    evidence jsonb not null default '{}'::jsonb,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    unique (tenant_id, kind, key)
"""
ATTESTATIONS = """
    control text not null,
    verdict text not null check (verdict in ('met', 'not_met', 'not_applicable')),
    statement text not null,
    evidence text,
    valid_until date not null,
    user_id uuid not null
"""


PEOPLE = """
-- Who is at work for the caller's tenant, and what the security page asks about each.
create function security_people()
returns table (
    user_id uuid, role text, is_active boolean, member_since timestamptz, last_came_at timestamptz,
    open_session_count integer
)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, m.role, u.is_active and m.state = 'active', m.created_at, u.last_login_at,
        (
            select count(*)::integer from sessions s
            where s.user_id = u.id and s.tenant_id = m.tenant_id and s.ended_at is null and s.expires_at > now()
        )
    from memberships m join users u on u.id = m.user_id
    where m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
$$;
revoke all on function security_people from public;
grant execute on function security_people to throughline_api;
"""


def upgrade() -> None:
    create_resource(
        "isolation_checks", CHECKS, entity="isolation_check", unrecorded=("held", "findings"), extracted=False
    )
    create_resource("threats", THREATS, entity="threat", unrecorded=("evidence", "key"), extracted=False)
    run("create index on threats (tenant_id, last_at)")
    create_resource(
        "control_attestations",
        ATTESTATIONS,
        entity="control_attestation",
        unrecorded=("statement", "evidence"),
        extracted=False,
    )
    run("create index on control_attestations (tenant_id, control)")
    run(PEOPLE)


def downgrade() -> None:
    run("drop function security_people()")
    run("drop table control_attestations, threats, isolation_checks cascade")
