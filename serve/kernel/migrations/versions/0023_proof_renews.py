"""Whoever proves who they are again gets another refresh token too."""

from serve.kernel.migrations.guards import run

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

HOLD = """
-- Holds an open session until the end of the transaction: its refresh token that is good, and the one that was spent
-- last if that was less than p_grace ago. Nothing when the session is over.
create function auth_hold_session(p_session_id uuid, p_grace interval) returns table (head bytea, spent bytea)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    perform from sessions s where s.id = p_session_id and s.ended_at is null and s.expires_at > now() for update;
    if not found then
        return;
    end if;
    return query select t.hash, (
        select b.hash from refresh_tokens b
        where b.session_id = p_session_id and b.used_at > clock_timestamp() - p_grace
        order by b.used_at desc limit 1
    )
    from refresh_tokens t where t.session_id = p_session_id and t.used_at is null;
end
$$;
revoke all on function auth_hold_session from public;
grant execute on function auth_hold_session to throughline_api;
"""


def upgrade() -> None:
    run(HOLD)


def downgrade() -> None:
    run("drop function auth_hold_session(uuid, interval)")
