"""A child waits for its first owner, who is invited; mails about accounts know whether their tenant stands still."""

from pathlib import Path

from serve.kernel.migrations.guards import column_names, run, stamp

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
STATE = """
    alter table tenants alter column state set expression as (
        case
            when closed_at is not null then 'closed'
            when closing_since is not null then 'closing'
            when suspended_at is not null then 'suspended'
            {}
            else 'active'
        end
    )
"""
TAKE_BEFORE = """
    drop function take_account_mail(interval, text[]);
    create function take_account_mail(p_lease interval)
    returns table (
        id uuid, kind text, tenant_id uuid, user_id uuid, content bytea, attempts integer, created_at timestamptz
    )
    language sql volatile security definer set search_path = public, pg_temp as $$
        update account_mails m set not_before = now() + p_lease, attempts = m.attempts + 1
        where m.id = (
            select x.id from account_mails x where x.state = 'queued' and x.not_before <= now()
            order by x.not_before limit 1 for update skip locked
        )
        returning m.id, m.kind, m.tenant_id, m.user_id, m.content, m.attempts, m.created_at
    $$;
    revoke all on function take_account_mail from public;
    grant execute on function take_account_mail to throughline_worker;
"""


def upgrade() -> None:
    run("alter table tenants add awaiting_owner_since timestamptz")
    run(STATE.format("when awaiting_owner_since is not null then 'awaiting_owner'"))
    stamp("tenants", column_names("tenants"))
    for file in sorted(SQL.glob("*.sql")):
        run(file.read_text())


def downgrade() -> None:
    run(TAKE_BEFORE)
    for function in ("await_owner", "owner_arrived"):
        run(f"drop function {function}")
    run(STATE.format(""))
    run("drop trigger stamp_change on tenants")
    run("alter table tenants drop column awaiting_owner_since")
    stamp("tenants", column_names("tenants"))
