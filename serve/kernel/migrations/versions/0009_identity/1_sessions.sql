-- What a role of the tenant's own allows; nothing for one that is built in, which the service knows.
create function role_permissions(p_tenant_id uuid, p_role text) returns jsonb
language sql stable security definer set search_path = public, pg_temp as $$
    select r.permissions from roles r where r.tenant_id = p_tenant_id and r.slug = p_role and r.deleted_at is null
$$;

create or replace function auth_memberships(p_user_id uuid)
returns table (
    tenant_id uuid, slug text, name text, kind text, role text, is_simulated boolean, timezone text, currency text
)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id, t.slug, t.name, t.kind, m.role, t.is_simulated, t.timezone, t.currency
    from memberships m join tenants t on t.id = m.tenant_id
    where m.user_id = p_user_id and m.state = 'active'
    order by t.slug
$$;

create or replace function tenant_members()
returns table (user_id uuid, tenant_id uuid, full_name text, email text, role text, is_active boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, m.tenant_id, u.full_name, u.email, m.role, u.is_active and m.state = 'active'
    from memberships m join users u on u.id = m.user_id
    where m.tenant_id = any (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[])
$$;

create or replace function auth_api_key(p_hash bytea)
returns table (api_key_id uuid, user_id uuid, email text, tenant_id uuid, role text, scopes jsonb, expires_at timestamptz)
language sql volatile security definer set search_path = public, pg_temp as $$
    with found as (
        select k.*, u.email, m.role
        from api_key_hashes h
        join api_keys k on k.id = h.api_key_id
        join memberships m on m.tenant_id = k.tenant_id and m.user_id = k.user_id and m.state = 'active'
        join users u on u.id = k.user_id and u.is_active
        where h.hash = p_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    ),
    used as (
        update api_keys k set last_used_at = now()
        from found f
        where k.id = f.id and (f.last_used_at is null or f.last_used_at < now() - interval '1 minute')
    )
    select f.id, f.user_id, f.email, f.tenant_id, f.role, f.scopes, f.expires_at from found f
$$;

create function auth_session_end(p_session sessions, p_life interval) returns timestamptz
language sql stable set search_path = public, pg_temp as $$
    select least(session_end(p_session.tenant_id, p_session.created_at, p_life), p_session.ends_at)
$$;

drop function auth_open_session(uuid, uuid, bytea, interval, text, text);
create function auth_open_session(
    p_user_id uuid, p_tenant_id uuid, p_hash bytea, p_life interval, p_user_agent text, p_address text,
    p_kind text, p_methods text[], p_ends_at timestamptz, p_impersonation_id uuid
) returns uuid
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    session uuid;
begin
    insert into sessions (user_id, tenant_id, user_agent, address, expires_at, kind, methods, ends_at, impersonation_id)
    values (
        p_user_id, p_tenant_id, p_user_agent, p_address, least(session_end(p_tenant_id, now(), p_life), p_ends_at),
        p_kind, p_methods, p_ends_at, p_impersonation_id
    )
    returning id into session;
    insert into refresh_tokens (hash, session_id) values (p_hash, session);
    return session;
end
$$;

create or replace function auth_renew_session(p_hash bytea, p_next bytea, p_life interval, p_grace interval)
returns table (outcome text, session_id uuid, user_id uuid, tenant_id uuid)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    token refresh_tokens;
    session sessions;
    successor_is_used boolean;
begin
    select * into token from refresh_tokens t where t.hash = p_hash;
    if not found then
        return query select 'unknown', null::uuid, null::uuid, null::uuid;
        return;
    end if;
    select * into session from sessions s where s.id = token.session_id for update;
    select * into token from refresh_tokens t where t.hash = p_hash; -- as it is now that we have our turn
    if session.ended_at is not null or session.expires_at <= now() then
        outcome := 'ended';
    elsif token.used_at is null then
        outcome := 'renewed';
        update refresh_tokens t set used_at = clock_timestamp() where t.hash = p_hash;
        insert into refresh_tokens (hash, session_id) values (p_next, session.id);
        update sessions s set used_at = now(), expires_at = auth_session_end(s, p_life) where s.id = session.id;
    else
        select t.used_at is not null into successor_is_used from refresh_tokens t where t.hash = p_next;
        if token.used_at > clock_timestamp() - p_grace and not coalesce(successor_is_used, true) then
            outcome := 'repeated';
        else
            outcome := 'reused';
            update sessions s set ended_at = now(), ended_because = 'reuse' where s.id = session.id;
        end if;
    end if;
    return query select outcome, session.id, session.user_id, session.tenant_id;
end
$$;

-- One's own name, mail and password; empty arguments leave as it is. A new address is one that nobody has confirmed.
create or replace function auth_change_user(p_user_id uuid, p_full_name text, p_email text, p_password_hash text)
returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update users set
        full_name = coalesce(p_full_name, full_name),
        email = coalesce(p_email, email),
        email_verified_at = case when lower(coalesce(p_email, email)) = lower(email) then email_verified_at end,
        password_hash = coalesce(p_password_hash, password_hash)
    where id = p_user_id
$$;

create or replace function record_security_event(
    p_user_id uuid, p_tenant_id uuid, p_name text, p_detail jsonb, p_request_id text
) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller text := coalesce(current_setting('app.tenant_id', true), '');
    actor record := acting();
    member record;
begin
    for member in
        select m.tenant_id from memberships m
        where m.user_id = p_user_id and (p_tenant_id is null or m.tenant_id = p_tenant_id)
        union
        select p_tenant_id where p_tenant_id::text = caller -- the caller's own, though the person may have left it
    loop
        perform set_config('app.tenant_id', member.tenant_id::text, true);
        insert into events (
            tenant_id, name, category, entity_type, entity_id, after, actor_kind, actor_id, request_id, cause_id
        )
        values (
            member.tenant_id, p_name, 'security', 'user', p_user_id, p_detail, actor.kind, actor.id, p_request_id,
            nullif(current_setting('app.cause', true), '')::uuid
        );
    end loop;
    perform set_config('app.tenant_id', caller, true);
end
$$;

-- What an access token for the session may say now, and the moment of it. The rows are held until the end of the
-- transaction: whoever takes the role away meanwhile waits, and what they write is later than the token.
create function auth_standing(p_session_id uuid)
returns table (
    role text, permissions jsonb, kind text, methods text[], authenticated_at timestamptz, expires_at timestamptz,
    impersonator_id uuid, cause_id uuid, role_ends_at timestamptz, issued_at timestamptz
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    session sessions;
    member memberships;
    elevation elevations;
begin
    select * into session from sessions s where s.id = p_session_id and s.ended_at is null;
    perform from users u where u.id = session.user_id and u.is_active for share;
    if not found then
        return;
    end if;
    select * into member from memberships m
    where m.user_id = session.user_id and m.tenant_id = session.tenant_id and m.state = 'active' for share;
    if not found then
        return;
    end if;
    role := member.role;
    select * into elevation from elevations e
    where e.session_id = session.id and e.tenant_id = session.tenant_id and e.from_role = member.role
        and e.ended_at is null and e.ends_at > clock_timestamp()
    order by e.ends_at desc limit 1;
    if found then
        role := elevation.to_role;
        cause_id := elevation.id;
        role_ends_at := elevation.ends_at;
    end if;
    permissions := role_permissions(session.tenant_id, role);
    kind := session.kind;
    methods := session.methods;
    authenticated_at := session.authenticated_at;
    expires_at := session.expires_at;
    if session.impersonation_id is not null then
        select i.impersonator_id, i.id into impersonator_id, cause_id
        from impersonations i
        join users u on u.id = i.impersonator_id and u.is_active
        join memberships m on m.user_id = i.impersonator_id and m.tenant_id = i.tenant_id and m.state = 'active'
        where i.id = session.impersonation_id and i.ended_at is null and i.ends_at > clock_timestamp();
        if not found then
            return;
        end if;
    end if;
    issued_at := clock_timestamp();
    return next;
end
$$;

-- The person of the session has proved who they are once more.
create function auth_prove_again(p_session_id uuid, p_methods text[]) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions s set authenticated_at = clock_timestamp(),
        methods = (select array_agg(distinct m) from unnest(s.methods || p_methods) m)
    where s.id = p_session_id and s.ended_at is null
$$;

create function revocations_since(p_xid bigint) returns setof revocations
language sql stable security definer set search_path = public, pg_temp as $$
    select * from revocations r where r.change_xid >= p_xid and r.revoked_at > now() - interval '1 hour'
$$;

create function revoke_when_ended() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into revocations (session_id) values (new.id);
    return null;
end
$$;
create trigger revoke_tokens after update of ended_at on sessions
    for each row when (old.ended_at is null and new.ended_at is not null) execute function revoke_when_ended();

create function revoke_when_off() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into revocations (user_id) values (new.id);
    update sessions set ended_at = now(), ended_because = 'deactivated' where user_id = new.id and ended_at is null;
    return null;
end
$$;
create trigger revoke_tokens after update of is_active on users
    for each row when (old.is_active and not new.is_active) execute function revoke_when_off();

-- Whoever is suspended is logged out where they work for the tenant. Of somebody who is sent away the session stays:
-- it can go on for another tenant of theirs, and for nothing else.
create function revoke_when_moved() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into revocations (user_id, tenant_id) values (old.user_id, old.tenant_id);
    if tg_op = 'UPDATE' and new.state <> 'active' then
        update sessions set ended_at = now(), ended_because = 'deactivated'
        where user_id = old.user_id and tenant_id = old.tenant_id and ended_at is null;
    end if;
    return null;
end
$$;
create trigger revoke_tokens_of_changed after update of role, state on memberships
    for each row when ((old.role, old.state) is distinct from (new.role, new.state)) execute function revoke_when_moved();
create trigger revoke_tokens_of_gone after delete on memberships for each row execute function revoke_when_moved();

create function revoke_when_role_changes() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into revocations (tenant_id, role) values (old.tenant_id, old.slug);
    return null;
end
$$;
create trigger revoke_tokens after update of slug, permissions, deleted_at or delete on roles
    for each row execute function revoke_when_role_changes();

create function revoke_when_key_changes() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into revocations (api_key_id) values (new.id);
    return null;
end
$$;
create trigger revoke_tokens after update of scopes, expires_at, revoked_at on api_keys
    for each row execute function revoke_when_key_changes();

create function revoke_when_lowered() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into revocations (user_id, tenant_id) values (new.user_id, new.tenant_id);
    return null;
end
$$;
create trigger revoke_tokens after update of ended_at on elevations
    for each row when (old.ended_at is null and new.ended_at is not null) execute function revoke_when_lowered();
