create unique index umbrella_requests_open_key on umbrella_requests (tenant_id, child_slug) where state = 'pending';
create index on umbrella_requests (child_slug);
create policy owner_reads on umbrella_requests for select to throughline_owner using (true);

-- What the caller's tenant has asked of others, and what others ask of it by the name that it has today.
create function umbrella_requests_of_mine()
returns table (
    id uuid, direction text, state text, umbrella_id uuid, umbrella_name text, umbrella_slug text, child_slug text, message text,
    asked_at timestamptz, expires_at timestamptz, answered_at timestamptz, _version bigint
)
language sql stable security definer set search_path = public, pg_temp as $$
    select r.id, case when r.tenant_id = own.id then 'sent' else 'received' end,
        case when r.state = 'pending' and r.expires_at <= now() then 'expired' else r.state end,
        u.id, u.name, u.slug, r.child_slug, r.message, r.created_at, r.expires_at, r.answered_at, r.change_xid
    from umbrella_requests r
    join tenants u on u.id = r.tenant_id
    join tenants own on own.id = nullif(current_setting('app.tenant_id', true), '')::uuid
    where r.deleted_at is null
        and (r.tenant_id = own.id or r.child_id = own.id or (r.child_slug = own.slug and r.state = 'pending'))
$$;

-- Something about a tenant that is no change of a row of it.
create function tell_tenant(p_tenant_id uuid, p_name text, p_after jsonb) returns void
language plpgsql volatile set search_path = public, pg_temp as $$
declare
    actor record := acting();
begin
    insert into events (tenant_id, name, entity_type, entity_id, after, actor_kind, actor_id, request_id, cause_id)
    values (
        p_tenant_id, p_name, 'tenant', p_tenant_id, p_after, actor.kind, actor.id,
        nullif(current_setting('app.request_id', true), ''),
        nullif(current_setting('app.cause', true), '')::uuid
    );
end
$$;

-- Whoever is asked by a request of the caller's learns of it; for a name that nobody has, nobody does.
create function tell_asked_tenant(p_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    perform tell_tenant(
        t.id, 'tenant.umbrella_asked',
        jsonb_build_object('umbrella_id', u.id, 'umbrella_name', u.name, 'request_id', r.id)
    )
    from umbrella_requests r join tenants t on t.slug = r.child_slug join tenants u on u.id = r.tenant_id
    where r.id = p_id and r.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
        and r.state = 'pending' and t.closed_at is null;
end
$$;

-- The caller's tenant becomes a child of whoever asks, or says no. Gives the code of what is in the way. Both tenants are
-- held, in one order for all, before anything is looked at: of two that would make a circle at once one is too late.
create function answer_umbrella(p_id uuid, p_is_accepted boolean) returns text
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    caller_ids constant text := coalesce(current_setting('app.tenant_ids', true), '');
    caller_event constant text := coalesce(current_setting('app.event', true), '');
    above uuid;
    held uuid;
    refusal text;
begin
    select r.umbrella_id into above from umbrella_requests_of_mine() r where r.id = p_id and r.direction = 'received';
    if above is null then
        return 'UMBRELLA_REQUEST_NOT_FOUND';
    end if;
    for held in select x from unnest(array[own, above]) x order by x loop
        perform set_config('app.tenant_id', held::text, true), set_config('app.tenant_ids', held::text, true);
        perform from tenants t where t.id = held for update;
    end loop;
    perform set_config('app.tenant_id', above::text, true), set_config('app.tenant_ids', above::text, true);
    perform from umbrella_requests r
    where r.id = p_id and r.state = 'pending' and r.expires_at > now() and r.deleted_at is null
    for update;
    if not found then
        refusal := 'UMBRELLA_REQUEST_OVER';
    elsif p_is_accepted then
        select case
            when t.parent_id is not null then 'HAS_UMBRELLA'
            when exists (select from tenants c where c.parent_id = own and c.closed_at is null) then 'HAS_CHILDREN'
            when u.parent_id is not null or u.state <> 'active' then 'UMBRELLA_GONE'
        end into refusal
        from tenants t, tenants u where t.id = own and u.id = above;
    end if;
    if refusal is null then
        perform set_config(
            'app.event', 'umbrella_request.' || case when p_is_accepted then 'accepted' else 'declined' end, true
        );
        update umbrella_requests r
        set state = case when p_is_accepted then 'accepted' else 'declined' end, answered_at = now(), child_id = own
        where r.id = p_id;
        perform set_config('app.tenant_id', own::text, true), set_config('app.tenant_ids', own::text, true);
        if p_is_accepted then
            perform set_config('app.event', 'tenant.umbrella_joined', true);
            update tenants set parent_id = above where id = own;
            perform tell_tenant(above, 'tenant.child_joined', jsonb_build_object('child_id', own));
        else
            perform tell_tenant(own, 'tenant.umbrella_declined', jsonb_build_object('umbrella_id', above));
        end if;
    end if;
    perform set_config('app.tenant_id', own::text, true), set_config('app.tenant_ids', caller_ids, true),
        set_config('app.event', caller_event, true);
    return refusal;
end
$$;

-- A child is nobody's child any more: by its own word, or its umbrella's. One that stands still goes on first: nobody
-- else could let it.
create function leave_umbrella(p_id uuid) returns text
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    caller_ids constant text := coalesce(current_setting('app.tenant_ids', true), '');
    caller_event constant text := coalesce(current_setting('app.event', true), '');
    above uuid;
    standing text;
    refusal text;
begin
    perform set_config('app.tenant_id', p_id::text, true), set_config('app.tenant_ids', p_id::text, true);
    select t.parent_id, t.state into above, standing from tenants t where t.id = p_id for update;
    refusal := case
        when p_id <> own and above is distinct from own then 'TENANT_NOT_FOUND'
        when above is null then 'NO_CHILD'
        when standing <> 'active' then 'TENANT_AT_REST'
    end;
    if refusal is null then
        perform set_config('app.event', 'tenant.umbrella_left', true);
        update tenants set parent_id = null where id = p_id;
        perform tell_tenant(above, 'tenant.child_left', jsonb_build_object('child_id', p_id));
    end if;
    perform set_config('app.tenant_id', own::text, true), set_config('app.tenant_ids', caller_ids, true),
        set_config('app.event', caller_event, true);
    return refusal;
end
$$;

revoke all on function umbrella_requests_of_mine, tell_tenant, tell_asked_tenant, answer_umbrella, leave_umbrella from public;
grant execute on function umbrella_requests_of_mine, tell_asked_tenant, answer_umbrella, leave_umbrella to throughline_api;
