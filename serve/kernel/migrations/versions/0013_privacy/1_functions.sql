-- An event whose values were struck out keeps in the chain the hash that it had; what it says now must be what the
-- striking out, an event of its own, says that it says.
create or replace function batch_hash(p_tenant uuid, p_previous bytea, p_after_xid bigint, p_after_position bigint,
    p_until_xid bigint, p_until_position bigint, out hash bytea, out event_count integer)
language sql stable set search_path = public, pg_temp as $$
    select
        sha256(p_previous || coalesce(
            string_agg(case
                when e.redacted_hash is not null and exists (
                    select from events r
                    where r.tenant_id = e.tenant_id and r.entity_type = e.entity_type
                        and r.entity_id is not distinct from e.entity_id and r.name = 'history.redacted'
                        and r.after -> 'hashes' ->> e.id::text
                            = encode(sha256(convert_to(event_text(e), 'UTF8')), 'hex')
                ) then e.redacted_hash
                else sha256(convert_to(event_text(e), 'UTF8'))
            end, ''::bytea order by e.change_xid, e.position), ''
        )),
        count(*)::integer
    from events e
    where e.tenant_id = p_tenant
        and (e.change_xid, e.position) > (p_after_xid, p_after_position)
        and (e.change_xid, e.position) <= (p_until_xid, p_until_position)
$$;

-- Values without those of these columns: that there was one stays known.
create function struck_out(p_values jsonb, p_columns text[]) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
    select case when p_values is not null then coalesce(jsonb_object_agg(key, case
        when key = any (p_columns) and value not in ('null', '{"sealed": null}') then '{"erased": true}'::jsonb else value
    end), '{}') end
    from jsonb_each(p_values)
$$;

-- Strikes values of these columns out of the history of rows, for the tenant at work; how many events that were.
-- The chain of seals holds as before, and an event for each row says which events say something else now.
create function redact_events(p_entity_type text, p_entity_ids uuid[], p_columns text[]) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    struck uuid[];
begin
    with struck_events as (
        update events e set
            redacted_hash = coalesce(e.redacted_hash, sha256(convert_to(event_text(e), 'UTF8'))),
            before = struck_out(e.before, p_columns),
            after = struck_out(e.after, p_columns)
        where e.tenant_id = tenant and e.entity_type = p_entity_type and e.entity_id = any (p_entity_ids)
            and e.name <> 'history.redacted'
            and (struck_out(e.before, p_columns), struck_out(e.after, p_columns))
                is distinct from (e.before, e.after)
        returning e.id
    )
    select array_agg(s.id) into struck from struck_events s;
    insert into events (tenant_id, name, entity_type, entity_id, after, actor_kind, actor_id, request_id, cause_id)
    select tenant, 'history.redacted', p_entity_type, s.entity_id, jsonb_build_object('hashes', s.hashes),
        a.kind, a.id, nullif(current_setting('app.request_id', true), ''),
        nullif(current_setting('app.cause', true), '')::uuid
    from (
        select e.entity_id, jsonb_object_agg(e.id, encode(sha256(convert_to(event_text(e), 'UTF8')), 'hex')) as hashes
        from events e where e.tenant_id = tenant and e.entity_type = p_entity_type and e.id = any (struck)
            and e.entity_id = any (p_entity_ids)
        group by e.entity_id
    ) s cross join acting() a;
    return coalesce(cardinality(struck), 0);
end
$$;

-- The account of a person who belongs to the tenant at work, with what else is known beside tenants' tables.
create function privacy_account(p_user_id uuid) returns jsonb
language sql stable security definer set search_path = public, pg_temp as $$
    select jsonb_build_object(
        'users', jsonb_build_array(to_jsonb(u) - array['password_hash', 'change_xid']),
        'memberships', jsonb_build_array(jsonb_build_object(
            'id', m.id, 'tenant_id', m.tenant_id, 'role', m.role, 'created_at', m.created_at
        )),
        'sessions', coalesce((
            select jsonb_agg(jsonb_build_object(
                'id', s.id, 'user_agent', s.user_agent, 'address', s.address, 'created_at', s.created_at,
                'used_at', s.used_at, 'ended_at', s.ended_at
            ) order by s.created_at)
            from sessions s where s.user_id = u.id and s.tenant_id = m.tenant_id
        ), '[]')
    )
    from users u join memberships m on m.user_id = u.id
    where u.id = p_user_id and m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
$$;

-- Tenants of which the person is the only owner.
create function privacy_owned_alone(p_user_id uuid) returns table (tenant_id uuid, name text)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id, t.name from memberships m join tenants t on t.id = m.tenant_id
    where m.user_id = p_user_id and m.role = 'owner'
        and not exists (
            select from memberships o join users u on u.id = o.user_id
            where o.tenant_id = m.tenant_id and o.role = 'owner' and o.user_id <> p_user_id and u.is_active
        )
    order by t.name
$$;

-- The person belongs to the tenant at work no more; what the account is elsewhere is no business of this tenant.
create function privacy_forget_member(p_user_id uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
begin
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

-- Invitations and other links of the tenant at work to these addresses (in small letters).
create function privacy_forget_addresses(p_emails text[]) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    delete from account_tokens
    where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and lower(email) = any (p_emails)
$$;

-- The account of the person who asks, for ever: nobody can log in with it, and it names nobody.
create function privacy_erase_account(p_user_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own record;
begin
    if current_setting('app.actor', true) is distinct from 'user:' || p_user_id
        or exists (select from privacy_owned_alone(p_user_id)) then
        raise exception 'only the person, and no only owner' using errcode = 'insufficient_privilege';
    end if;
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

-- As in 0001; a name that is kept for the law alone is no business of the warehouse.
create or replace view persons as
select id, 'contact' as kind, tenant_id, full_name, email, phone, change_xid from contacts
union all
select id, 'lead', tenant_id, full_name, email, phone, change_xid from leads
union all
select id, 'provider', tenant_id, full_name, email, phone, change_xid from providers
union all
select a.id, 'account', a.tenant_id, case when a.kind = 'household' and not exists (
    select from privacy_kept k where k.tenant_id = a.tenant_id and k.table_name = 'accounts' and k.row_id = a.id
) then a.name end, null, null, a.change_xid from accounts a;

revoke all on function struck_out, redact_events, privacy_account, privacy_owned_alone, privacy_forget_member,
    privacy_forget_addresses, privacy_erase_account from public;
grant execute on function struck_out to throughline_api, throughline_worker;
grant execute on function redact_events, privacy_forget_member, privacy_forget_addresses to throughline_worker;
grant execute on function privacy_account, privacy_owned_alone to throughline_api, throughline_worker;
grant execute on function privacy_erase_account to throughline_api;
