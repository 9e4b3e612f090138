create policy owner_reads on sso_connections for select to throughline_owner using (true);
create policy owner_reads on sso_domains for select to throughline_owner using (true);
create policy worker_all on sso_attempts to throughline_worker using (true) with check (true);
create policy worker_all on sso_assertions to throughline_worker using (true) with check (true);

-- Whose connection it is: whoever begins to sign in is nobody's yet.
create function sso_tenant_of(p_connection_id uuid) returns uuid
language sql stable security definer set search_path = public, pg_temp as $$
    select c.tenant_id from sso_connections c where c.id = p_connection_id and c.is_enabled
$$;

-- The connection that a mail domain comes in by. It tells about domains, never about people.
create function sso_discover(p_domain text) returns table (connection_id uuid, kind text, is_enforced boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select c.id, c.kind, d.is_enforced
    from sso_domains d join sso_connections c on c.tenant_id = d.tenant_id and c.id = d.connection_id
    where d.domain = p_domain and d.verified_at is not null and c.is_enabled
$$;

-- Whether the person may work for the tenant only by its provider: their mail's domain is the tenant's own and says so.
-- Owners keep another way in, or nobody could mend a connection that is broken.
create function sso_demanded(p_user_id uuid, p_tenant_id uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select from users u
        join memberships m on m.user_id = u.id and m.tenant_id = p_tenant_id and m.role <> 'owner'
        join sso_domains d on d.tenant_id = p_tenant_id and d.domain = lower(split_part(u.email, '@', 2))
        join sso_connections c on c.tenant_id = d.tenant_id and c.id = d.connection_id
        where u.id = p_user_id and d.verified_at is not null and d.is_enforced and c.is_enabled
    )
$$;

-- A person by id or by mail, and what they are in the tenant at work: nothing, where they do not belong to it.
create function sso_person(p_user_id uuid, p_email text)
returns table (user_id uuid, email text, is_active boolean, role text, state text)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, u.email, u.is_active, m.role, m.state
    from users u
    left join memberships m
        on m.user_id = u.id and m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
    where u.id = p_user_id or lower(u.email) = lower(p_email)
$$;

-- A new person of the tenant at work, without a password, whose mail address its provider vouches for. Nothing when
-- there is somebody of that address.
create function sso_provision(p_email text, p_full_name text, p_role text) returns uuid
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    made uuid;
begin
    if p_role = 'owner' or not exists (
        select from sso_domains d
        where d.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
            and d.domain = lower(split_part(p_email, '@', 2)) and d.verified_at is not null
    ) then
        raise exception 'nobody is let in like that' using errcode = 'insufficient_privilege';
    end if;
    insert into users (email, full_name, email_verified_at) values (p_email, p_full_name, now())
    on conflict ((lower(email))) do nothing
    returning id into made;
    insert into memberships (user_id, tenant_id, role)
    select made, nullif(current_setting('app.tenant_id', true), '')::uuid, p_role where made is not null;
    return made;
end
$$;

-- What somebody is in the tenant at work, as its provider says. It makes and removes no owners.
create function sso_give_role(p_user_id uuid, p_role text) returns boolean
language sql volatile security definer set search_path = public, pg_temp as $$
    update memberships set role = p_role
    where user_id = p_user_id and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
        and 'owner' not in (role, p_role) and role <> p_role
    returning true
$$;

revoke all on function sso_tenant_of, sso_discover, sso_demanded, sso_person, sso_provision, sso_give_role from public;
grant execute on function sso_tenant_of, sso_discover, sso_demanded, sso_person, sso_provision, sso_give_role
    to throughline_api;
