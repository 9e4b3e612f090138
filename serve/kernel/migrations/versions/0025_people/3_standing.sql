-- As before, and the operator's word counts for more: it stands over an umbrella's, which does not lift it.
create or replace function suspend_tenant(p_id uuid, p_because text, p_going_on text[]) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_event text := coalesce(current_setting('app.event', true), '');
    is_installation constant boolean := session_user <> 'throughline_api';
    is_done boolean;
begin
    perform set_config('app.tenant_id', p_id::text, true), set_config('app.event', 'tenant.suspended', true);
    update tenants t set suspended_at = coalesce(t.suspended_at, now()), suspended_because = p_because,
        suspended_by_installation = is_installation
    where t.id = p_id and t.closed_at is null and (t.parent_id::text = caller_id or is_installation)
        and (t.suspended_at is null or (is_installation and not t.suspended_by_installation));
    is_done := found;
    if is_done then
        perform hold_tasks(p_going_on);
    end if;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.event', caller_event, true);
    return is_done;
end
$$;

create or replace function resume_tenant(p_id uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_event text := coalesce(current_setting('app.event', true), '');
    is_installation constant boolean := session_user <> 'throughline_api';
    is_done boolean;
begin
    perform set_config('app.tenant_id', p_id::text, true), set_config('app.event', 'tenant.resumed', true);
    update tenants t set suspended_at = null, suspended_because = null, suspended_by_installation = false
    where t.id = p_id and t.suspended_at is not null and t.closed_at is null
        and (is_installation or (t.parent_id::text = caller_id and not t.suspended_by_installation));
    is_done := found;
    if is_done then
        perform free_tasks();
    end if;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.event', caller_event, true);
    return is_done;
end
$$;
