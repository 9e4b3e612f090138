"""Whoever proves who they are again gets a token that ends the others; administrators end sessions of people."""

from serve.kernel.migrations.guards import run

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

FUNCTIONS = """
-- The person of the session has proved who they are once more: its access tokens from before count no more.
create or replace function auth_prove_again(p_session_id uuid, p_methods text[]) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    with proved as (
        update sessions s set authenticated_at = clock_timestamp(),
            methods = (select array_agg(distinct m) from unnest(s.methods || p_methods) m)
        where s.id = p_session_id and s.ended_at is null
        returning s.id
    )
    insert into revocations (session_id, goes_on) select p.id, true from proved p
$$;

-- The session of which the browser still held a refresh token when its person, or another one, logged in there.
create function auth_end_session_of(p_hash bytea) returns uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions s set ended_at = now(), ended_because = 'logout'
    from refresh_tokens t where t.hash = p_hash and s.id = t.session_id and s.ended_at is null
    returning s.id
$$;

-- Ends the sessions that somebody (or everybody, for null) has at work for the caller's tenant, but the one that is kept,
-- and gives whose were open. Tokens for the tenant of sessions that have moved on to another one count no more either.
create function staff_sign_out(p_user_id uuid, p_kept uuid)
returns table (id uuid, email text, full_name text, session_ids jsonb)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
begin
    insert into revocations (user_id, tenant_id)
    select m.user_id, m.tenant_id from memberships m
    where m.tenant_id = tenant and (p_user_id is null or m.user_id = p_user_id)
        and not exists (select from sessions s where s.id = p_kept and s.user_id = m.user_id);
    return query
    with ended as (
        update sessions s set ended_at = now(), ended_because = 'revoked'
        where s.tenant_id = tenant and (p_user_id is null or s.user_id = p_user_id)
            and s.ended_at is null and s.id is distinct from p_kept
        returning s.id, s.user_id, s.expires_at
    )
    select u.id, u.email, u.full_name, jsonb_agg(e.id)
    from ended e join users u on u.id = e.user_id
    where e.expires_at > now()
    group by u.id;
end
$$;

revoke all on function auth_end_session_of, staff_sign_out from public;
grant execute on function auth_end_session_of, staff_sign_out to throughline_api;
"""
BEFORE = """
create or replace function auth_prove_again(p_session_id uuid, p_methods text[]) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions s set authenticated_at = clock_timestamp(),
        methods = (select array_agg(distinct m) from unnest(s.methods || p_methods) m)
    where s.id = p_session_id and s.ended_at is null
$$;
"""


def upgrade() -> None:
    run("alter table revocations add column goes_on boolean not null default false")
    run(FUNCTIONS)


def downgrade() -> None:
    run("drop function auth_end_session_of(bytea)")
    run("drop function staff_sign_out(uuid, uuid)")
    run(BEFORE)
    run("alter table revocations drop column goes_on")
