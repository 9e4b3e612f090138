-- Sessions and keys. Their rows belong to people, not tenants; runtime roles reach them through functions alone.

create table sessions (
    id uuid primary key default uuidv7(),
    user_id uuid not null references users on delete cascade,
    tenant_id uuid not null references tenants,
    user_agent text,
    address text,
    created_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_because text check (ended_because in ('logout', 'reuse', 'revoked', 'password'))
);
create index on sessions (user_id);

create table refresh_tokens (
    hash bytea primary key,
    session_id uuid not null references sessions on delete cascade,
    issued_at timestamptz not null default now(),
    used_at timestamptz
);
create index on refresh_tokens (session_id);
create index on refresh_tokens (issued_at);

create table api_keys (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid not null references users,
    name text not null,
    prefix text not null,
    scopes jsonb not null check (jsonb_typeof(scopes) = 'array'),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);
create index on api_keys (tenant_id, user_id);

create table api_key_hashes (
    hash bytea primary key,
    api_key_id uuid not null references api_keys on delete cascade,
    tenant_id uuid not null references tenants
);

create policy owner_reads on api_keys for select to throughline_owner using (true);
create policy owner_updates on api_keys for update to throughline_owner using (true);

-- When a session ends if nobody uses it: after the installation's time, or sooner where the tenant's settings say so.
create function session_end(p_tenant_id uuid, p_created_at timestamptz, p_life interval) returns timestamptz
language plpgsql stable set search_path = public, pg_temp as $$
declare
    security jsonb;
begin
    select s.values into security from settings s
    where s.tenant_id = p_tenant_id and s.user_id is null and s.category = 'security';
    return least( -- which passes over what is not set
        now() + p_life,
        now() + (security ->> 'session_idle_h')::integer * interval '1 hour',
        p_created_at + (security ->> 'session_longest_h')::integer * interval '1 hour'
    );
end
$$;

-- A new session with its first refresh token.
create function auth_open_session(
    p_user_id uuid, p_tenant_id uuid, p_hash bytea, p_life interval, p_user_agent text, p_address text
) returns uuid
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    session uuid;
begin
    insert into sessions (user_id, tenant_id, user_agent, address, expires_at)
    values (p_user_id, p_tenant_id, p_user_agent, p_address, session_end(p_tenant_id, now(), p_life))
    returning id into session;
    insert into refresh_tokens (hash, session_id) values (p_hash, session);
    return session;
end
$$;

-- Exchanges a refresh token for its successor. `outcome`: renewed, repeated (the same exchange again within the grace
-- time: the client may have lost the answer), reused (the session has been ended), unknown or ended.
create function auth_renew_session(p_hash bytea, p_next bytea, p_life interval, p_grace interval)
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
        update sessions s set used_at = now(), expires_at = session_end(s.tenant_id, s.created_at, p_life)
        where s.id = session.id;
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

create function auth_end_session(p_session_id uuid, p_because text) returns boolean
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions set ended_at = now(), ended_because = p_because
    where id = p_session_id and ended_at is null
    returning true
$$;

create function auth_user(p_user_id uuid)
returns table (id uuid, email text, password_hash text, is_active boolean, full_name text)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, u.email, u.password_hash, u.is_active, u.full_name from users u where u.id = p_user_id
$$;

-- One's own name, mail and password; empty arguments leave as it is.
create function auth_change_user(p_user_id uuid, p_full_name text, p_email text, p_password_hash text) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update users set
        full_name = coalesce(p_full_name, full_name),
        email = coalesce(p_email, email),
        password_hash = coalesce(p_password_hash, password_hash)
    where id = p_user_id
$$;

-- Ends all sessions of a person but one; gives those that it ended.
create function auth_end_other_sessions(p_user_id uuid, p_kept uuid, p_because text) returns setof uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions set ended_at = now(), ended_because = p_because
    where user_id = p_user_id and id is distinct from p_kept and ended_at is null
    returning id
$$;

-- A session goes on for another tenant that its person belongs to.
create function auth_move_session(p_session_id uuid, p_tenant_id uuid) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions s set tenant_id = p_tenant_id
    where s.id = p_session_id
        and exists (select from memberships m where m.user_id = s.user_id and m.tenant_id = p_tenant_id)
$$;

-- Removes sessions that ended or ran out p_kept ago, and spent tokens of sessions that go on, p_kept after they would have
-- stopped working themselves (p_life). An unspent token goes only with its session. At most p_most rows of each kind, so
-- that a long backlog holds no lock for long: whoever calls asks again until nothing is removed. What another caller is
-- removing is passed over. (`materialized`: what is chosen in a subquery may be chosen more than once, past the limit.)
create function forget_sessions(p_kept interval, p_life interval, p_most integer) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    removed integer;
    gone integer := 0;
begin
    with over as materialized (
        select t.hash from refresh_tokens t join sessions s on s.id = t.session_id
        where least(s.ended_at, s.expires_at) < now() - p_kept
        limit p_most for update of t skip locked
    )
    delete from refresh_tokens t using over where t.hash = over.hash;
    get diagnostics removed = row_count;
    gone := gone + removed;
    with spent as materialized (
        select t.hash from refresh_tokens t
        where t.used_at is not null and t.issued_at < now() - p_life - p_kept
        limit p_most for update skip locked
    )
    delete from refresh_tokens t using spent where t.hash = spent.hash;
    get diagnostics removed = row_count;
    gone := gone + removed;
    with over as materialized (
        select s.id from sessions s
        where least(s.ended_at, s.expires_at) < now() - p_kept
            and not exists (select from refresh_tokens t where t.session_id = s.id)
        limit p_most for update skip locked
    )
    delete from sessions s using over where s.id = over.id;
    get diagnostics removed = row_count;
    return gone + removed;
end
$$;

-- The key's hash beside the key. The key itself is a row of the caller's tenant, made under row security.
create function auth_keep_key_hash(p_api_key_id uuid, p_hash bytea) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    insert into api_key_hashes (hash, api_key_id, tenant_id)
    select p_hash, k.id, k.tenant_id from api_keys k
    where k.id = p_api_key_id and k.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid;
    if not found then
        raise exception 'no such key' using errcode = 'no_data_found';
    end if;
end
$$;

-- Whose key this is, with the person's role today; nothing for a revoked, expired or orphaned one. The moment of use is
-- noted at most once a minute.
create function auth_api_key(p_hash bytea)
returns table (api_key_id uuid, user_id uuid, email text, tenant_id uuid, role text, scopes jsonb, expires_at timestamptz)
language sql volatile security definer set search_path = public, pg_temp as $$
    with found as (
        select k.*, u.email, m.role
        from api_key_hashes h
        join api_keys k on k.id = h.api_key_id
        join memberships m on m.tenant_id = k.tenant_id and m.user_id = k.user_id
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

-- The people of the caller's tenants, for names beside ids.
create function tenant_members()
returns table (user_id uuid, tenant_id uuid, full_name text, email text, role text, is_active boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, m.tenant_id, u.full_name, u.email, m.role, u.is_active
    from memberships m join users u on u.id = m.user_id
    where m.tenant_id = any (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[])
$$;

-- A security event of a person, told to every tenant that the person belongs to (or to one). Who did it stands in
-- `app.actor`; before a log-in nobody knows.
create function record_security_event(
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
        insert into events (tenant_id, name, category, entity_type, entity_id, after, actor_kind, actor_id, request_id)
        values (member.tenant_id, p_name, 'security', 'user', p_user_id, p_detail, actor.kind, actor.id, p_request_id);
    end loop;
    perform set_config('app.tenant_id', caller, true);
end
$$;
