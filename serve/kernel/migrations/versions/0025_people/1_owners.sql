-- Tenants of which the person is the only owner. One whose membership is suspended cannot come in, so nobody is left to
-- them.
create or replace function privacy_owned_alone(p_user_id uuid) returns table (tenant_id uuid, name text)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id, t.name from memberships m join tenants t on t.id = m.tenant_id
    where m.user_id = p_user_id and m.role = 'owner'
        and not exists (
            select from memberships o join users u on u.id = o.user_id
            where o.tenant_id = m.tenant_id and o.role = 'owner' and o.state = 'active' and o.user_id <> p_user_id
                and u.is_active
        )
    order by t.name
$$;

-- Where the person is known, however they stand there: as a member, suspended ones too, or by an employee's record.
create function privacy_tenants(p_user_id uuid) returns setof uuid
language sql stable security definer set search_path = public, pg_temp as $$
    select m.tenant_id from memberships m where m.user_id = p_user_id
    union
    select e.tenant_id from employees e where e.user_id = p_user_id
    order by 1
$$;
create policy owner_reads on employees for select to throughline_owner using (true);

-- As before, but what becomes of owners is decided one after the other (`staff_hold`): two that go at once would each
-- see the other stay.
create or replace function privacy_forget_member(p_user_id uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
begin
    perform pg_advisory_xact_lock(hashtextextended('owners ' || tenant, 0));
    if exists (select from privacy_owned_alone(p_user_id) o where o.tenant_id = tenant) then
        raise exception 'the only owner of a tenant cannot be erased' using errcode = 'check_violation';
    end if;
    delete from api_keys where user_id = p_user_id and tenant_id = tenant;
    delete from sessions where user_id = p_user_id and tenant_id = tenant;
    delete from account_mails where user_id = p_user_id and tenant_id = tenant;
    delete from account_tokens where user_id = p_user_id and tenant_id = tenant;
    delete from memberships where user_id = p_user_id and tenant_id = tenant;
    return found;
end
$$;

-- Nobody can log in with the account, and it names nobody. The row stays: what tenants have noted refers to it, and would
-- go with it.
create function blank_account(p_user_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own record;
begin
    perform from users where id = p_user_id for update;
    -- Whatever would go with the row goes with the person: sessions, memberships, passkeys, codes, links. Tables of
    -- tenants are erased by each tenant for itself.
    for own in
        select k.conrelid::regclass::text as name, a.attname as column
        from pg_constraint k
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        join pg_class c on c.oid = k.conrelid
        where k.contype = 'f' and k.confrelid = 'users'::regclass and k.confdeltype = 'c' and not c.relrowsecurity
        order by 1, 2
    loop
        execute format('delete from %s where %I = $1', own.name, own.column) using p_user_id;
    end loop;
    for own in -- whatever else the account may say of the person
        select a.attname as column from pg_attribute a
        where a.attrelid = 'users'::regclass and a.attnum > 0 and not a.attisdropped and not a.attnotnull
        order by a.attnum
    loop
        execute format('update users set %I = null where id = $1', own.column) using p_user_id;
    end loop;
    update users set email = 'erased-' || p_user_id || '@invalid', full_name = 'Erased person', is_active = false
    where id = p_user_id;
end
$$;

-- The account of the person who asks, for ever. Whoever is an only owner by now is `TL001`, as when somebody is sent away.
create or replace function privacy_erase_account(p_user_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    if current_setting('app.actor', true) is distinct from 'user:' || p_user_id then
        raise exception 'only the person' using errcode = 'insufficient_privilege';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('owners ' || m.tenant_id, 0))
    from (select tenant_id from memberships where user_id = p_user_id order by tenant_id) m;
    if exists (select from privacy_owned_alone(p_user_id)) then
        raise exception 'the last owner' using errcode = 'TL001';
    end if;
    perform blank_account(p_user_id);
end
$$;

revoke all on function privacy_tenants, blank_account from public;
grant execute on function privacy_tenants to throughline_api;
