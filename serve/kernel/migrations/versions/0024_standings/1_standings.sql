-- What somebody may do now at work for a tenant: by their role there, or the one that it is raised to in that session. No
-- row when they may not work there. All of it is held until the end of the transaction: whoever takes something away
-- meanwhile waits, and what they write is later than what is signed here.
create function standing_role(p_user_id uuid, p_tenant_id uuid, p_session_id uuid)
returns table (role text, permissions jsonb, elevation_id uuid, ends_at timestamptz)
language plpgsql volatile set search_path = public, pg_temp as $$
declare
    member memberships;
    elevation elevations;
begin
    perform from users u where u.id = p_user_id and u.is_active for share;
    if not found then
        return;
    end if;
    select * into member from memberships m
    where m.user_id = p_user_id and m.tenant_id = p_tenant_id and m.state = 'active' for share;
    if not found then
        return;
    end if;
    role := member.role;
    perform pg_advisory_xact_lock_shared(hashtextextended('elevation ' || p_session_id, 0)); -- nothing without a session
    select * into elevation from elevations e
    where e.session_id = p_session_id and e.tenant_id = p_tenant_id and e.from_role = member.role
        and e.ended_at is null and e.ends_at > clock_timestamp()
    order by e.ends_at desc limit 1;
    if found then
        role := elevation.to_role;
        elevation_id := elevation.id;
        ends_at := elevation.ends_at;
    end if;
    perform pg_advisory_xact_lock_shared(hashtextextended('role ' || p_tenant_id || ' ' || role, 0));
    permissions := role_permissions(p_tenant_id, role);
    return next;
end
$$;

drop function auth_standing(uuid);

-- What an access token for the session may say now, and the moment of it. Of a session with other eyes it says as well
-- what who looks may do today: it is theirs as long as they are logged in, and where it began.
create function auth_standing(p_session_id uuid)
returns table (
    tenant_id uuid, role text, permissions jsonb, kind text, methods text[], authenticated_at timestamptz,
    expires_at timestamptz, impersonator_id uuid, impersonator_role text, impersonator_permissions jsonb, cause_id uuid,
    role_ends_at timestamptz, issued_at timestamptz
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    session sessions;
    look impersonations;
    own record;
    looker record;
begin
    select * into session from sessions s where s.id = p_session_id and s.ended_at is null;
    select * into own from standing_role(session.user_id, session.tenant_id, session.id);
    if not found then
        return;
    end if;
    tenant_id := session.tenant_id;
    role := own.role;
    permissions := own.permissions;
    cause_id := own.elevation_id;
    role_ends_at := own.ends_at;
    kind := session.kind;
    methods := session.methods;
    authenticated_at := session.authenticated_at;
    expires_at := session.expires_at;
    if session.impersonation_id is not null then
        select * into look from impersonations i
        where i.id = session.impersonation_id and i.tenant_id = session.tenant_id
            and i.ended_at is null and i.ends_at > clock_timestamp();
        if not found then
            return;
        end if;
        perform from sessions s where s.id = look.session_id and s.ended_at is null and s.expires_at > now();
        if not found and look.session_id is not null then
            return;
        end if;
        select * into looker from standing_role(look.impersonator_id, session.tenant_id, look.session_id);
        if not found then
            return;
        end if;
        impersonator_id := look.impersonator_id;
        impersonator_role := looker.role;
        impersonator_permissions := looker.permissions;
        cause_id := look.id;
        role_ends_at := least(own.ends_at, looker.ends_at);
    end if;
    issued_at := clock_timestamp();
    return next;
end
$$;

-- A session goes on for another tenant that its person belongs to; one with other eyes stays where it is. Its access
-- tokens from before count no more: what they say is of a tenant where it is no longer at work.
create or replace function auth_move_session(p_session_id uuid, p_tenant_id uuid) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    with moved as (
        update sessions s set tenant_id = p_tenant_id
        where s.id = p_session_id and s.tenant_id <> p_tenant_id and s.impersonation_id is null
            and exists (
                select from memberships m
                where m.user_id = s.user_id and m.tenant_id = p_tenant_id and m.state = 'active'
            )
        returning s.id
    )
    insert into revocations (session_id, goes_on) select m.id, true from moved m
$$;

-- With a session those end that look with other eyes from out of it, and with one of those the looking is over, on record.
create or replace function revoke_when_ended() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    caller text := coalesce(current_setting('app.tenant_id', true), '');
begin
    insert into revocations (session_id) values (new.id);
    update sessions s set ended_at = new.ended_at, ended_because = new.ended_because
    from impersonations i
    where i.session_id = new.id and s.user_id = i.user_id and s.impersonation_id = i.id and s.ended_at is null;
    if new.impersonation_id is not null then
        perform set_config('app.tenant_id', new.tenant_id::text, true);
        update impersonations i set ended_at = now()
        where i.id = new.impersonation_id and i.ended_at is null and i.ends_at > now();
        if found then
            perform record_security_event(
                new.user_id, new.tenant_id, 'impersonation.ended',
                jsonb_build_object('impersonation_id', new.impersonation_id),
                nullif(current_setting('app.request_id', true), '')
            );
        end if;
        perform set_config('app.tenant_id', caller, true);
    end if;
    return null;
end
$$;

-- Whoever looks with other eyes by a role that changes is asked anew as well.
create or replace function revoke_when_role_changes() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('role ' || old.tenant_id || ' ' || old.slug, 0));
    insert into revocations (tenant_id, role) values (old.tenant_id, old.slug);
    insert into revocations (session_id, goes_on)
    select s.id, true
    from impersonations i
    join memberships m on m.user_id = i.impersonator_id and m.tenant_id = i.tenant_id and m.role = old.slug
    join sessions s on s.user_id = i.user_id and s.impersonation_id = i.id and s.ended_at is null
    where i.tenant_id = old.tenant_id and i.ended_at is null and i.ends_at > now();
    return null;
end
$$;

create or replace function revoke_when_lowered() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('elevation ' || new.session_id, 0));
    insert into revocations (user_id, tenant_id) values (new.user_id, new.tenant_id);
    return null;
end
$$;

revoke all on function standing_role, auth_standing from public;
grant execute on function auth_standing to throughline_api;
