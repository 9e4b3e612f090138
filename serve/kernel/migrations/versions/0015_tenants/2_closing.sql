-- The record of a closing: who wanted it and why, what was taken away, what stays.
create table tenant_closings (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    reason text not null,
    requested_by uuid,
    erase_after timestamptz not null,
    export_task_id uuid,
    erase_task_id uuid,
    reopened_at timestamptz,
    erased_at timestamptz,
    row_counts jsonb not null default '{}'::jsonb,
    kept jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);
create unique index tenant_closings_open_key on tenant_closings (tenant_id) where reopened_at is null;

-- The caller's own tenant stands still from now on, and is erased after the grace time.
create function close_tenant(p_grace interval, p_going_on text[]) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    caller_event text := coalesce(current_setting('app.event', true), '');
    is_done boolean;
begin
    perform set_config('app.event', 'tenant.closing', true);
    update tenants t set closing_since = now(), erase_after = now() + p_grace
    where t.id = own and t.closing_since is null and t.closed_at is null
        and not exists (select from tenants c where c.parent_id = t.id and c.closed_at is null);
    is_done := found;
    if is_done then
        perform hold_tasks(p_going_on);
    end if;
    perform set_config('app.event', caller_event, true);
    return is_done;
end
$$;

create function reopen_tenant() returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    caller_event text := coalesce(current_setting('app.event', true), '');
    is_done boolean;
begin
    perform set_config('app.event', 'tenant.reopened', true);
    update tenants t set closing_since = null, erase_after = null
    where t.id = own and t.closing_since is not null and t.closed_at is null and t.erase_after > now();
    is_done := found;
    if is_done then
        perform free_tasks();
    end if;
    perform set_config('app.event', caller_event, true);
    return is_done;
end
$$;

-- Whether the grace time of a tenant is over: what follows asks it each time.
create function check_erasable(p_tenant uuid) returns void
language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
    if not exists (
        select from tenants t
        where t.id = p_tenant and t.closing_since is not null and t.erase_after <= now() and t.closed_at is null
    ) then
        raise exception 'this tenant is not to be erased' using errcode = 'insufficient_privilege';
    end if;
end
$$;

-- Every table with rows of tenants, also parts that were taken out of one, but those that keep what must stay.
create function erasable_tables() returns setof text
language sql stable security definer set search_path = public, pg_temp as $$
    select c.relname::text from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and exists (
            select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        )
        and c.relname not in ('tenant_closings', 'tenant_slugs', 'event_seals', 'tombstones')
    order by 1
$$;

-- Takes away some rows of a table, but those of the task that does it. Gives how many, and the ids of those that the
-- warehouse knows.
create function erase_tenant_rows(
    p_tenant uuid, p_table text, p_most integer, p_task uuid, out gone integer, out ids jsonb
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    but text := case p_table when 'tasks' then 'and id <> $3' when 'task_steps' then 'and task_id <> $3' else '' end;
    is_landed boolean;
begin
    perform check_erasable(p_tenant);
    if p_table not in (select erasable_tables()) then
        raise exception '% is not erased', p_table using errcode = 'insufficient_privilege';
    end if;
    perform set_config('app.tenant_id', p_tenant::text, true), set_config('app.tenant_ids', p_tenant::text, true);
    is_landed := has_any_column_privilege('throughline_extract', p_table, 'select');
    execute format(
        'with gone as (delete from %I where tenant_id = $1 and (tableoid, ctid) in ('
        ' select tableoid, ctid from %I where tenant_id = $1 %s limit $2) returning %s as id)'
        ' select count(*), case when $4 then jsonb_agg(id) end from gone',
        p_table, p_table, but, case when is_landed then 'id::text' else '1' end
    ) into gone, ids using p_tenant, p_most, p_task, is_landed;
    if gone > 0 and p_table <> 'events' then
        update tenant_closings c set row_counts = row_counts
            || jsonb_build_object(p_table, coalesce((row_counts ->> p_table)::bigint, 0) + gone)
        where c.tenant_id = p_tenant and c.reopened_at is null;
    end if;
end
$$;

-- Who belongs to nobody else: their accounts go too, at the end.
create function people_of_alone(p_tenant uuid) returns setof uuid
language sql stable security definer set search_path = public, pg_temp as $$
    select m.user_id from memberships m
    where m.tenant_id = p_tenant
        and not exists (select from memberships o where o.user_id = m.user_id and o.tenant_id <> p_tenant)
    order by 1
$$;

-- An account that something of others still refers to stays, without a name and closed to everybody.
create function erase_people(p_tenant uuid, p_users uuid[]) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    person uuid;
    gone integer := 0;
begin
    perform check_erasable(p_tenant);
    for person in
        select u.id from users u
        where u.id = any (p_users) and not exists (select from memberships m where m.user_id = u.id)
    loop
        begin
            delete from users where id = person;
        exception when foreign_key_violation then
            update users set is_active = false, password_hash = null, full_name = 'Erased',
                email = 'erased-' || id || '@invalid'
            where id = person;
        end;
        gone := gone + 1;
    end loop;
    return gone;
end
$$;

-- The end: nothing is left but what is kept, the task included that has done it. Raises when something is.
create function finish_closing(p_tenant uuid, p_task uuid, p_kept jsonb) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    rest text;
    is_left boolean;
begin
    perform check_erasable(p_tenant);
    perform set_config('app.tenant_id', p_tenant::text, true), set_config('app.tenant_ids', p_tenant::text, true);
    delete from task_steps where tenant_id = p_tenant and task_id = p_task;
    delete from tasks where tenant_id = p_tenant and id = p_task;
    update tenant_closings c set erased_at = now(), kept = p_kept
    where c.tenant_id = p_tenant and c.reopened_at is null;
    delete from events where tenant_id = p_tenant;
    perform set_config('app.event', 'tenant.closed', true);
    update tenants set closed_at = now(), slug = 'closed-' || id where id = p_tenant;
    perform set_config('app.event', '', true);
    for rest in select t from erasable_tables() t where t <> 'events' loop
        execute format('select exists (select from %I where tenant_id = $1)', rest) into is_left using p_tenant;
        if is_left then
            raise exception 'rows are left in %', rest using errcode = 'object_not_in_prerequisite_state';
        end if;
    end loop;
end
$$;

revoke all on function close_tenant, reopen_tenant, check_erasable, erasable_tables, erase_tenant_rows, people_of_alone,
    erase_people, finish_closing from public;
grant execute on function close_tenant, reopen_tenant to throughline_api;
grant execute on function erasable_tables, erase_tenant_rows, people_of_alone, erase_people, finish_closing
    to throughline_worker;
