-- A child of the caller's that has no owner yet stands still until one has come.
create function await_owner(p_id uuid) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    caller_event constant text := coalesce(current_setting('app.event', true), '');
begin
    perform set_config('app.tenant_id', p_id::text, true), set_config('app.event', 'tenant.awaits_owner', true);
    update tenants t set awaiting_owner_since = now()
    where t.id = p_id and t.parent_id = own
        and not exists (select from memberships m where m.tenant_id = t.id and m.role = 'owner');
    perform set_config('app.tenant_id', own::text, true), set_config('app.event', caller_event, true);
end
$$;

-- The caller's tenant goes on, if it was waiting for the owner whom it has now.
create function owner_arrived() returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    own constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    caller_event constant text := coalesce(current_setting('app.event', true), '');
begin
    perform set_config('app.event', 'tenant.owner_arrived', true);
    update tenants t set awaiting_owner_since = null
    where t.id = own and t.awaiting_owner_since is not null
        and exists (select from memberships m where m.tenant_id = t.id and m.role = 'owner' and m.state = 'active');
    if found then
        perform free_tasks();
    end if;
    perform set_config('app.event', caller_event, true);
end
$$;

revoke all on function await_owner, owner_arrived from public;
grant execute on function await_owner, owner_arrived to throughline_api;
