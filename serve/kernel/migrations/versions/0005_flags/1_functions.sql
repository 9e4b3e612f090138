-- What any tenant changed by a transaction that an earlier snapshot, whose xmin is asked for, may not have seen.
create function tenant_limits_since(p_xid bigint) returns setof tenant_limits
language sql stable security definer set search_path = public, pg_temp as $$
    select * from tenant_limits l where l.change_xid >= p_xid
$$;

create function api_sunsets_since(p_xid bigint) returns setof api_sunsets
language sql stable security definer set search_path = public, pg_temp as $$
    select * from api_sunsets s where s.change_xid >= p_xid
$$;

-- What these keys owe now, where processes count together.
create function rate_debts(p_keys text[]) returns table (key text, debt_s double precision)
language sql volatile security definer set search_path = public, pg_temp as $$
    select r.key, greatest(r.full_at_s - extract(epoch from clock_timestamp()), 0)
    from rate_limits r where r.key = any (p_keys)
$$;

-- Marks the flags of all tenants that nobody needs any more, and unmarks those that somebody does; the change is the
-- event. Returns how many were marked.
create function note_stale_flags() returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant record;
    found record;
    marked integer := 0;
begin
    if not pg_try_advisory_xact_lock(hashtext('stale flags')) then
        return 0;
    end if;
    perform set_config('app.actor', 'platform', true);
    for tenant in select t.id from tenants t loop
        perform set_config('app.tenant_id', tenant.id::text, true), set_config('app.tenant_ids', tenant.id::text, true);
        for found in
            select f.id, f.stale_because as was, case
                when f.archived_at is not null or f.deleted_at is not null or f.stale_after_days is null then null
                when f.updated_at > now() - f.stale_after_days * interval '1 day' then null
                when f.ends_at < now() - f.stale_after_days * interval '1 day' then 'ended'
                when not f.is_enabled then 'off_for_all'
                when f.rules = '[]' and f.steps = '[]' and f.percent = 100 and f.starts_at is null and f.ends_at is null
                    and f.kind = 'boolean' and not exists (
                        select from experiments e where e.flag_id = f.id and e.status = 'running' and e.deleted_at is null
                    ) then 'on_for_all'
                when not exists (
                    select from flag_uses u
                    where u.tenant_id = tenant.id and u.flag_id = f.id and u.used_on > current_date - f.stale_after_days
                ) then 'unused'
            end as because
            from flags f where f.tenant_id = tenant.id
        loop
            continue when found.was is not distinct from found.because;
            perform set_config('app.event', case
                when found.because is null then 'flag.no_longer_stale' else 'flag.became_stale' end, true);
            update flags set
                stale_because = found.because,
                stale_since = case when found.because is not null then coalesce(stale_since, now()) end
            where id = found.id and tenant_id = tenant.id;
            marked := marked + (found.because is not null)::integer;
        end loop;
    end loop;
    perform set_config('app.tenant_id', '', true), set_config('app.tenant_ids', '', true),
        set_config('app.event', '', true), set_config('app.actor', '', true);
    return marked;
end
$$;

revoke all on function tenant_limits_since, api_sunsets_since, rate_debts, note_stale_flags from public;
grant execute on function tenant_limits_since, api_sunsets_since, rate_debts to throughline_api;
grant execute on function note_stale_flags to throughline_worker;
