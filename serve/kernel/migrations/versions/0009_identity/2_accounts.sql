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
