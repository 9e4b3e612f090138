-- The history is written by everybody who acts and rewritten by nobody.
grant select, insert on events to throughline_api, throughline_worker;
create policy worker_reads on events for select to throughline_worker using (true);
create policy owner_all on events to throughline_owner using (true) with check (true);
create trigger refuse_truncate before truncate on events for each statement execute function refuse_truncate();

grant select on event_seals to throughline_api;
grant select, insert on event_seals to throughline_worker;
create policy worker_reads on event_seals for select to throughline_worker using (true);
create policy owner_all on event_seals to throughline_owner using (true) with check (true);

grant select, insert, update on event_readers to throughline_worker;

-- Events of one tenant that no later transaction can come before: what has a lower id has ended.
create function settled_events(p_after_xid bigint, p_after_position bigint, p_limit integer)
returns setof events language sql stable set search_path = public, pg_temp as $$
    select e.* from events e
    where (e.change_xid, e.position) > (p_after_xid, p_after_position)
        and e.change_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    order by e.change_xid, e.position
    limit p_limit
$$;

-- One line of an event, as its seal covers it. jsonb has one way to be written, so the same event gives the same text.
create function event_text(e events) returns text language sql immutable set search_path = public, pg_temp as $$
    select jsonb_build_array(
        e.id, e.tenant_id, e.position, e.change_xid, e.name, e.category, e.entity_type, e.entity_id, e.before, e.after,
        e.actor_kind, e.actor_id, e.request_id, e.cause_id, extract(epoch from e.happened_at)
    )::text
$$;

-- What a batch hashes to: the hash before it, then the hash of each of its events in order.
create function batch_hash(p_tenant uuid, p_previous bytea, p_after_xid bigint, p_after_position bigint,
    p_until_xid bigint, p_until_position bigint, out hash bytea, out event_count integer)
language sql stable set search_path = public, pg_temp as $$
    select
        sha256(p_previous || coalesce(
            string_agg(sha256(convert_to(event_text(e), 'UTF8')), ''::bytea order by e.change_xid, e.position), ''
        )),
        count(*)::integer
    from events e
    where e.tenant_id = p_tenant
        and (e.change_xid, e.position) > (p_after_xid, p_after_position)
        and (e.change_xid, e.position) <= (p_until_xid, p_until_position)
$$;

-- Seals what has settled since the last seal of each tenant; returns how many batches. One sealer at a time.
create function seal_events(p_most integer) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant record;
    last event_seals;
    until record;
    sealed record;
    made integer := 0;
begin
    if not pg_try_advisory_xact_lock(hashtext('seal events')) then
        return 0;
    end if;
    for tenant in select t.id from tenants t loop
        perform set_config('app.tenant_id', tenant.id::text, true), set_config('app.tenant_ids', tenant.id::text, true);
        select * into last from event_seals s where s.tenant_id = tenant.id order by number desc limit 1;
        select e.change_xid, e.position into until from (
            select e.change_xid, e.position from events e
            where e.tenant_id = tenant.id
                and (e.change_xid, e.position) > (coalesce(last.until_xid, 0), coalesce(last.until_position, 0))
                and e.change_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            order by e.change_xid, e.position
            limit p_most
        ) e order by e.change_xid desc, e.position desc limit 1;
        continue when until is null;
        select * into sealed from batch_hash(
            tenant.id, coalesce(last.hash, ''), coalesce(last.until_xid, 0), coalesce(last.until_position, 0),
            until.change_xid, until.position
        );
        insert into event_seals (tenant_id, number, until_xid, until_position, event_count, previous_hash, hash)
        values (
            tenant.id, coalesce(last.number, 0) + 1, until.change_xid, until.position, sealed.event_count,
            coalesce(last.hash, ''), sealed.hash
        );
        made := made + 1;
    end loop;
    perform set_config('app.tenant_id', '', true), set_config('app.tenant_ids', '', true);
    return made;
end
$$;

-- Each seal of the caller's tenant computed again. A seal that does not hold says where the history was touched.
create function verify_seals()
returns table (number integer, event_count integer, found_count integer, sealed_at timestamptz, holds boolean)
language sql stable set search_path = public, pg_temp as $$
    select s.number, s.event_count, found.event_count, s.sealed_at,
        found.hash = s.hash and found.event_count = s.event_count
            and s.previous_hash = coalesce(before.hash, '') and s.number = coalesce(before.number, 0) + 1
    from (
        select s.*, lag(s.number) over w as before_number from event_seals s
        where s.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid window w as (order by s.number)
    ) s
    left join event_seals before on before.tenant_id = s.tenant_id and before.number = s.before_number
    cross join lateral batch_hash(
        s.tenant_id, s.previous_hash, coalesce(before.until_xid, 0), coalesce(before.until_position, 0),
        s.until_xid, s.until_position
    ) found
    order by s.number
$$;

revoke all on all functions in schema public from public;
grant execute on function acting, record_event, settled_events, event_text, batch_hash to throughline_api, throughline_worker;
grant execute on function verify_seals to throughline_api;
grant execute on function seal_events to throughline_worker;
grant execute on function auth_open_session, auth_renew_session, auth_end_session, auth_end_other_sessions, auth_user,
    auth_change_user, auth_keep_key_hash, auth_api_key, tenant_members, record_security_event to throughline_api;
grant execute on function tenant_members to throughline_worker;
