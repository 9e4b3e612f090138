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

-- A person's sessions that are open, and of one of the caller's people those at work for the caller's tenant.
create function auth_sessions(p_user_id uuid, p_tenant_id uuid)
returns table (
    id uuid, tenant_id uuid, tenant_name text, kind text, methods text[], user_agent text, address text,
    created_at timestamptz, used_at timestamptz, expires_at timestamptz, authenticated_at timestamptz
)
language sql stable security definer set search_path = public, pg_temp as $$
    select s.id, s.tenant_id, t.name, s.kind, s.methods, s.user_agent, s.address, s.created_at, s.used_at, s.expires_at,
        s.authenticated_at
    from sessions s join tenants t on t.id = s.tenant_id
    where s.user_id = p_user_id and (p_tenant_id is null or s.tenant_id = p_tenant_id)
        and s.ended_at is null and s.expires_at > now()
    order by s.used_at desc, s.id desc
$$;

-- Ends one of the person's sessions (any of the open ones without a number); gives those that it ended.
create function auth_revoke_sessions(p_user_id uuid, p_session_id uuid, p_tenant_id uuid, p_because text)
returns setof uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions set ended_at = now(), ended_because = p_because
    where user_id = p_user_id and (p_session_id is null or id = p_session_id)
        and (p_tenant_id is null or tenant_id = p_tenant_id) and ended_at is null
    returning id
$$;

-- Sessions of people who have a hand in the impersonation end with it.
create function auth_end_impersonation(p_impersonation_id uuid) returns setof uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    update sessions set ended_at = now(), ended_because = 'logout'
    where impersonation_id = p_impersonation_id and ended_at is null
        and exists (
            select from impersonations i where i.id = p_impersonation_id
                and i.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
        )
    returning id
$$;

create function auth_profile(p_user_id uuid)
returns table (phone text, job_title text, email_verified_at timestamptz, has_password boolean, created_at timestamptz,
    last_login_at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.phone, u.job_title, u.email_verified_at, u.password_hash is not null, u.created_at, u.last_login_at
    from users u where u.id = p_user_id
$$;

-- One's own phone and title; what is not in the values stays, null empties.
create function auth_change_profile(p_user_id uuid, p_values jsonb) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update users set
        phone = case when p_values ? 'phone' then p_values ->> 'phone' else phone end,
        job_title = case when p_values ? 'job_title' then p_values ->> 'job_title' else job_title end
    where id = p_user_id
$$;

-- A person and, where a tenant is named, what they are there. Somebody of that address is taken as they are.
create function auth_make_user(p_email text, p_full_name text, p_password_hash text, p_is_verified boolean) returns uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into users (email, full_name, password_hash, email_verified_at)
    values (p_email, p_full_name, p_password_hash, case when p_is_verified then now() end)
    on conflict ((lower(email))) do nothing
    returning id
$$;

create function auth_verify_email(p_user_id uuid, p_email text) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update users set email = p_email, email_verified_at = now() where id = p_user_id
$$;

create function issue_account_token(
    p_hash bytea, p_purpose text, p_user_id uuid, p_tenant_id uuid, p_subject_id uuid, p_email text, p_detail jsonb,
    p_life interval
) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into account_tokens (hash, purpose, user_id, tenant_id, subject_id, email, detail, expires_at)
    values (p_hash, p_purpose, p_user_id, p_tenant_id, p_subject_id, p_email, p_detail, now() + p_life)
$$;

-- The token as it stands, whether used or over; `p_spend` uses it up, once.
create function take_account_token(p_hash bytea, p_purpose text, p_spend boolean)
returns table (user_id uuid, tenant_id uuid, subject_id uuid, email text, detail jsonb, expires_at timestamptz,
    used_at timestamptz)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    token account_tokens;
begin
    if p_spend then
        select * into token from account_tokens t where t.hash = p_hash and t.purpose = p_purpose for update;
    else
        select * into token from account_tokens t where t.hash = p_hash and t.purpose = p_purpose;
    end if;
    if not found then
        return;
    end if;
    if p_spend and token.used_at is null and token.expires_at > now() then
        update account_tokens t set used_at = now() where t.hash = p_hash;
    end if;
    return query select token.user_id, token.tenant_id, token.subject_id, token.email, token.detail, token.expires_at,
        token.used_at;
end
$$;

-- Tokens of the purpose that nobody shall use any more: of the person, or about the subject.
create function void_account_tokens(p_purpose text, p_user_id uuid, p_subject_id uuid) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    changed integer;
begin
    update account_tokens t set used_at = now()
    where t.purpose = p_purpose and t.used_at is null and (t.user_id = p_user_id or t.subject_id = p_subject_id);
    get diagnostics changed = row_count;
    return changed;
end
$$;

create function queue_account_mail(p_kind text, p_tenant_id uuid, p_user_id uuid, p_content bytea, p_state text) returns uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into account_mails (kind, tenant_id, user_id, content, state)
    values (p_kind, p_tenant_id, p_user_id, p_content, p_state) returning id
$$;

-- The next mail that is due. Nobody else takes it within p_lease: whoever dies with it in hand has not lost it.
create function take_account_mail(p_lease interval)
returns table (id uuid, kind text, tenant_id uuid, user_id uuid, content bytea, attempts integer, created_at timestamptz)
language sql volatile security definer set search_path = public, pg_temp as $$
    update account_mails m set not_before = now() + p_lease, attempts = m.attempts + 1
    where m.id = (
        select x.id from account_mails x where x.state = 'queued' and x.not_before <= now()
        order by x.not_before limit 1 for update skip locked
    )
    returning m.id, m.kind, m.tenant_id, m.user_id, m.content, m.attempts, m.created_at
$$;

create function settle_account_mail(p_id uuid, p_state text, p_error text, p_pause interval) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update account_mails m set state = p_state, error = p_error, not_before = now() + p_pause, sent_at = case when p_state = 'sent' then now() end,
        content = case when p_state = 'queued' then m.content end
    where m.id = p_id
$$;

-- An attempt to come in, for one tenant or for all that the person belongs to.
create function note_sign_in(
    p_user_id uuid, p_tenant_id uuid, p_outcome text, p_method text, p_kind text, p_address text, p_country text,
    p_user_agent text
) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller text := coalesce(current_setting('app.tenant_id', true), '');
    member record;
begin
    for member in
        select m.tenant_id from memberships m
        where m.user_id = p_user_id and (p_tenant_id is null or m.tenant_id = p_tenant_id)
    loop
        perform set_config('app.tenant_id', member.tenant_id::text, true);
        insert into sign_ins (tenant_id, user_id, outcome, method, kind, address, country, user_agent)
        values (member.tenant_id, p_user_id, p_outcome, p_method, p_kind, p_address, p_country, p_user_agent);
    end loop;
    perform set_config('app.tenant_id', caller, true);
end
$$;

-- What nobody needs any more: void tokens after an hour, links a day after their end, mails after p_kept. At most p_most
-- rows of each kind; whoever calls asks again until nothing is removed.
create function forget_account_traces(p_kept interval, p_most integer) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    removed integer;
    gone integer := 0;
begin
    delete from revocations r where r.id in (
        select x.id from revocations x where x.revoked_at < now() - interval '1 hour' limit p_most for update skip locked
    );
    get diagnostics removed = row_count;
    gone := gone + removed;
    delete from account_tokens t where t.hash in (
        select x.hash from account_tokens x where x.expires_at < now() - interval '1 day' limit p_most for update skip locked
    );
    get diagnostics removed = row_count;
    gone := gone + removed;
    delete from account_mails m where m.id in (
        select x.id from account_mails x
        where x.state <> 'queued' and x.created_at < now() - p_kept limit p_most for update skip locked
    );
    get diagnostics removed = row_count;
    return gone + removed;
end
$$;

create policy owner_reads on roles for select to throughline_owner using (true);
create policy owner_reads on elevations for select to throughline_owner using (true);
create policy owner_reads on impersonations for select to throughline_owner using (true);

revoke all on function role_permissions, auth_session_end, auth_open_session, auth_standing, auth_prove_again,
    revocations_since, revoke_when_ended, revoke_when_off, revoke_when_moved, revoke_when_role_changes,
    revoke_when_key_changes, revoke_when_lowered, auth_sessions, auth_revoke_sessions, auth_end_impersonation, auth_profile,
    auth_change_profile, auth_make_user, auth_verify_email, issue_account_token, take_account_token,
    void_account_tokens, queue_account_mail, take_account_mail, settle_account_mail, note_sign_in,
    forget_account_traces from public;
grant execute on function role_permissions, auth_open_session, auth_standing, auth_prove_again, revocations_since,
    auth_sessions, auth_revoke_sessions, auth_end_impersonation, auth_profile, auth_change_profile, auth_make_user,
    auth_verify_email, issue_account_token, take_account_token, void_account_tokens, queue_account_mail, note_sign_in
    to throughline_api;
grant execute on function role_permissions, revocations_since, issue_account_token, void_account_tokens,
    queue_account_mail, take_account_mail, settle_account_mail, note_sign_in, forget_account_traces
    to throughline_worker;
