-- The people of the tenants that may be read, as administrators see them: nothing of what they do elsewhere.
create function staff_people()
returns table (
    id uuid, tenant_id uuid, email text, full_name text, role text, state text, is_active boolean, has_second_factor boolean,
    joined_at timestamptz, last_login_at timestamptz, employee_id uuid, job_title text, department_id uuid,
    department_name text, updated_at timestamptz, _version bigint
)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, m.tenant_id, u.email, u.full_name, m.role, m.state, u.is_active,
        (select f.totp_since is not null or f.passkey_count > 0 from auth_second_factors(u.id) f), m.created_at,
        (
            select max(s.happened_at) from sign_ins s
            where s.tenant_id = m.tenant_id and s.user_id = u.id and s.outcome = 'succeeded'
        ),
        e.id, e.job_title, e.department_id, d.name, greatest(m.updated_at, u.updated_at), m.change_xid + u.change_xid
    from memberships m
    join users u on u.id = m.user_id
    left join employees e on e.tenant_id = m.tenant_id and e.user_id = u.id and e.deleted_at is null
    left join departments d on d.tenant_id = e.tenant_id and d.id = e.department_id
    where m.tenant_id = any (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[])
$$;

-- Lets somebody into the caller's tenant; false when they are in already.
create function staff_admit(p_user_id uuid, p_role text) returns boolean
language sql volatile security definer set search_path = public, pg_temp as $$
    with made as (
        insert into memberships (user_id, tenant_id, role)
        values (p_user_id, nullif(current_setting('app.tenant_id', true), '')::uuid, p_role)
        on conflict (user_id, tenant_id) do nothing
        returning 1
    )
    select exists (select from made)
$$;

-- Somebody of the caller's tenant, held until the end of the transaction. What becomes of owners is decided one after the
-- other: two that go at once would each see the other stay.
create function staff_hold(p_user_id uuid) returns memberships
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    member memberships;
begin
    perform pg_advisory_xact_lock(hashtextextended('owners ' || tenant, 0));
    select * into member from memberships m where m.user_id = p_user_id and m.tenant_id = tenant for update;
    return member;
end
$$;

create function staff_is_last_owner(p_user_id uuid) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    with owners as (
        select m.user_id from memberships m join users u on u.id = m.user_id and u.is_active
        where m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
            and m.role = 'owner' and m.state = 'active'
    )
    select array_agg(o.user_id) = array[p_user_id] from owners o
$$;

-- Another role or state for somebody of the caller's tenant; what is null stays. True when something changed.
create function staff_change_member(p_user_id uuid, p_role text, p_state text) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    member memberships := staff_hold(p_user_id);
begin
    if (coalesce(p_role, member.role) <> 'owner' or coalesce(p_state, member.state) <> 'active')
        and staff_is_last_owner(p_user_id)
    then
        raise exception 'the last owner' using errcode = 'TL001';
    end if;
    update memberships m set role = coalesce(p_role, m.role), state = coalesce(p_state, m.state)
    where m.id = member.id and (m.role, m.state) is distinct from (coalesce(p_role, m.role), coalesce(p_state, m.state));
    return found;
end
$$;

-- Somebody leaves the caller's tenant: their keys for it are revoked, their account stays.
create function staff_remove_member(p_user_id uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    member memberships := staff_hold(p_user_id);
begin
    if staff_is_last_owner(p_user_id) then
        raise exception 'the last owner' using errcode = 'TL001';
    end if;
    update api_keys k set revoked_at = now()
    where k.tenant_id = member.tenant_id and k.user_id = p_user_id and k.revoked_at is null;
    delete from memberships m where m.id = member.id;
    return found;
end
$$;

-- Name and address of somebody who belongs to the caller's tenant and to no other; what is null stays. False when they
-- belong to others too. An address of somebody else breaks the key of `users`.
create function staff_change_person(p_user_id uuid, p_full_name text, p_email text) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    perform from users u where u.id = p_user_id for update; -- nobody lets them in elsewhere meanwhile
    if (select array_agg(m.tenant_id) from memberships m where m.user_id = p_user_id)
        is distinct from array[nullif(current_setting('app.tenant_id', true), '')::uuid]
    then
        return false;
    end if;
    update users u set
        full_name = coalesce(p_full_name, u.full_name),
        email = coalesce(p_email, u.email),
        email_verified_at = case when lower(coalesce(p_email, u.email)) = lower(u.email) then u.email_verified_at end
    where u.id = p_user_id;
    return true;
end
$$;

-- Who came, went or is something else now, as an event of the person in the tenant; whoever did it and by whichever way.
create function record_membership() returns trigger language plpgsql set search_path = public, pg_temp as $$
declare
    subject memberships := coalesce(new, old);
    actor record := acting();
begin
    if session_user not in ('throughline_api', 'throughline_worker') and coalesce(current_setting('app.actor', true), '') = '' then
        return null; -- a load by the schema's owner
    end if;
    insert into events (
        tenant_id, name, entity_type, entity_id, before, after, actor_kind, actor_id, request_id, cause_id
    )
    values (
        subject.tenant_id,
        'user.' || case
            when tg_op = 'INSERT' then 'added'
            when tg_op = 'DELETE' then 'removed'
            when old.state is distinct from new.state
            then case new.state when 'active' then 'reactivated' else 'deactivated' end
            else 'role_changed'
        end,
        'user', subject.user_id,
        case when tg_op <> 'INSERT' then jsonb_build_object('role', old.role, 'state', old.state) end,
        case when tg_op <> 'DELETE' then jsonb_build_object('role', new.role, 'state', new.state) end,
        actor.kind, actor.id,
        nullif(current_setting('app.request_id', true), ''),
        nullif(current_setting('app.cause', true), '')::uuid
    );
    return null;
end
$$;
create trigger record_membership after insert or delete on memberships
    for each row execute function record_membership();
create trigger record_changed_membership after update of role, state on memberships
    for each row when ((old.role, old.state) is distinct from (new.role, new.state)) execute function record_membership();

revoke all on function staff_people, staff_admit, staff_hold, staff_is_last_owner, staff_change_member,
    staff_remove_member, staff_change_person, record_membership from public;
grant execute on function staff_people to throughline_api, throughline_worker;
grant execute on function staff_admit, staff_hold, staff_is_last_owner, staff_change_member, staff_remove_member,
    staff_change_person to throughline_api;
