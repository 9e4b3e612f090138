-- A new lead that nobody works on waits for somebody, where the tenant has a rule that may say who.
create function wait_for_owner() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if exists (
        select from lead_assignment_rules r where r.tenant_id = new.tenant_id and r.is_active and r.deleted_at is null
    ) then
        new.assign_at := now();
    end if;
    return new;
end
$$;
revoke all on function wait_for_owner from public;

create trigger wait_for_owner before insert on leads
for each row when (new.owner_id is null and new.status in ('new', 'contacted', 'qualified'))
execute function wait_for_owner();

-- The open leads of somebody who leaves wait too. Whoever leaves may not be at work for that tenant at the moment.
create function hand_on_leads() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    caller text := coalesce(current_setting('app.tenant_id', true), '');
begin
    perform set_config('app.tenant_id', old.tenant_id::text, true);
    update leads set assign_at = now()
    where tenant_id = old.tenant_id and owner_id = old.user_id and status in ('new', 'contacted', 'qualified')
        and deleted_at is null;
    perform set_config('app.tenant_id', caller, true);
    return null;
end
$$;
revoke all on function hand_on_leads from public;

create trigger hand_on_leads after delete on memberships for each row execute function hand_on_leads();

-- Tenants at work whose leads wait: ids alone, for the worker's clock.
create function tenants_with_leads_to_assign(p_moment timestamptz, p_most integer) returns table (tenant_id uuid)
language sql stable security definer set search_path = public, pg_temp as $$
    select distinct l.tenant_id from leads l
    where l.assign_at <= p_moment and l.deleted_at is null
        and l.tenant_id not in (select id from tenants where state <> 'active')
    limit p_most
$$;
revoke all on function tenants_with_leads_to_assign from public;
grant execute on function tenants_with_leads_to_assign to throughline_worker;
