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

-- Events that no later transaction can come before (what has a lower id has ended), of the tenants that may be read.
create function settled_events(p_after_xid bigint, p_after_position bigint, p_limit integer)
returns setof events language sql stable set search_path = public, pg_temp as $$
    select e.* from events e
    where (e.change_xid, e.position) > (p_after_xid, p_after_position)
        and e.change_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    order by e.change_xid, e.position
    limit p_limit
$$;

-- One line of an event, as its seal covers it. jsonb has one way to be written, so the same event gives the same text.
-- The transaction's id is not in it: what matters of that is the order, which the hash of a batch has.
create function event_text(e events) returns text language sql immutable set search_path = public, pg_temp as $$
    select jsonb_build_array(
        e.id, e.tenant_id, e.position, e.name, e.category, e.entity_type, e.entity_id, e.before, e.after,
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

-- After a restore into another cluster transaction ids begin low again, and what was restored has ids of a future that
-- will come: such events move below all ids, in their order, with their seals and readers. Returns how many there were.
create function renumber_events() returns bigint
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    shift bigint;
    boundary bigint;
    moved bigint;
begin
    select max(change_xid), max(position) into shift, boundary
    from events where change_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    if shift is null then
        return 0;
    end if;
    update event_readers set after_xid = after_xid - shift, after_position = least(after_position, boundary)
    where after_position <= boundary or after_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    update event_seals set until_xid = until_xid - shift where until_position <= boundary;
    update events set change_xid = change_xid - shift where position <= boundary;
    get diagnostics moved = row_count;
    return moved;
end
$$;

-- Seals what has settled since the last seal of each tenant; returns the new seals. One sealer at a time.
create function seal_events(p_most integer)
returns table (tenant_id uuid, number integer, event_count integer, hash bytea)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    least_xid constant bigint := -9223372036854775808;
    tenant record;
    last event_seals;
    until record;
begin
    if not pg_try_advisory_xact_lock(hashtext('seal events')) then
        return;
    end if;
    perform renumber_events();
    for tenant in select t.id from tenants t loop
        perform set_config('app.tenant_id', tenant.id::text, true), set_config('app.tenant_ids', tenant.id::text, true);
        select * into last from event_seals s where s.tenant_id = tenant.id order by s.number desc limit 1;
        select e.change_xid, e.position into until from (
            select e.change_xid, e.position from events e
            where e.tenant_id = tenant.id
                and (e.change_xid, e.position) > (coalesce(last.until_xid, least_xid), coalesce(last.until_position, 0))
                and e.change_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            order by e.change_xid, e.position
            limit p_most
        ) e order by e.change_xid desc, e.position desc limit 1;
        continue when until is null;
        return query
        insert into event_seals (tenant_id, number, until_xid, until_position, event_count, previous_hash, hash)
        select tenant.id, coalesce(last.number, 0) + 1, until.change_xid, until.position, b.event_count,
            coalesce(last.hash, ''), b.hash
        from batch_hash(
            tenant.id, coalesce(last.hash, ''), coalesce(last.until_xid, least_xid), coalesce(last.until_position, 0),
            until.change_xid, until.position
        ) b
        returning tenant_id, number, event_count, hash;
    end loop;
    perform set_config('app.tenant_id', '', true), set_config('app.tenant_ids', '', true);
end
$$;

-- Each seal of the caller's tenant computed again. A seal that does not hold says where the history was touched.
create function verify_seals()
returns table (number integer, event_count integer, found_count integer, sealed_at timestamptz, hash bytea, holds boolean)
language sql stable set search_path = public, pg_temp as $$
    select s.number, s.event_count, found.event_count, s.sealed_at, s.hash,
        found.hash = s.hash and found.event_count = s.event_count
            and s.previous_hash = coalesce(before.hash, '') and s.number = coalesce(before.number, 0) + 1
    from (
        select s.*, lag(s.number) over w as before_number from event_seals s
        where s.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid window w as (order by s.number)
    ) s
    left join event_seals before on before.tenant_id = s.tenant_id and before.number = s.before_number
    cross join lateral batch_hash(
        s.tenant_id, s.previous_hash, coalesce(before.until_xid, -9223372036854775808), coalesce(before.until_position, 0),
        s.until_xid, s.until_position
    ) found
    order by s.number
$$;

-- As in 0001, and the events that it leaves say that a model did it, and what: `account.scored`.
create or replace function apply_score_batch(p_release text) returns integer
language plpgsql volatile security definer
set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_ids text := coalesce(current_setting('app.tenant_ids', true), '');
    caller_actor text := coalesce(current_setting('app.actor', true), '');
    caller_event text := coalesce(current_setting('app.event', true), '');
    tenant uuid;
    changed integer;
    total integer := 0;
begin
    perform set_config('app.actor', 'pipeline', true);
    for tenant in
        select distinct b.tenant_id from score_batches b
        where b.release_id = p_release and b.applied_at is null
        order by 1
    loop
        perform set_config('app.tenant_id', tenant::text, true), set_config('app.tenant_ids', tenant::text, true);

        perform set_config('app.event', 'lead.scored', true);
        update leads t set score = b.score, score_reasons = b.reasons, scored_at = b.created_at
        from score_batches b
        where b.release_id = p_release and b.tenant_id = tenant and b.entity = 'lead' and b.applied_at is null
            and t.tenant_id = b.tenant_id and t.id = b.entity_id
            and (t.score, t.score_reasons) is distinct from (b.score, b.reasons);
        get diagnostics changed = row_count;
        total := total + changed;

        perform set_config('app.event', 'account.scored', true);
        update accounts t set churn_score = b.score, churn_reasons = b.reasons, churn_scored_at = b.created_at
        from score_batches b
        where b.release_id = p_release and b.tenant_id = tenant and b.entity = 'account' and b.applied_at is null
            and t.tenant_id = b.tenant_id and t.id = b.entity_id and t.deleted_at is null
            and (t.churn_score, t.churn_reasons) is distinct from (b.score, b.reasons);
        get diagnostics changed = row_count;
        total := total + changed;

        perform set_config('app.event', 'vehicle.scored', true);
        update vehicles t set failure_score = b.score, failure_reasons = b.reasons, failure_scored_at = b.created_at
        from score_batches b
        where b.release_id = p_release and b.tenant_id = tenant and b.entity = 'vehicle' and b.applied_at is null
            and t.tenant_id = b.tenant_id and t.id = b.entity_id and t.deleted_at is null
            and (t.failure_score, t.failure_reasons) is distinct from (b.score, b.reasons);
        get diagnostics changed = row_count;
        total := total + changed;

        update score_batches b set applied_at = now()
        where b.release_id = p_release and b.tenant_id = tenant and b.applied_at is null;
    end loop;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.tenant_ids', caller_ids, true),
        set_config('app.actor', caller_actor, true), set_config('app.event', caller_event, true);
    return total;
end
$$;

-- Answers that nobody may ask for again: of every tenant, older than p_hours.
create function forget_idempotency_keys(p_hours integer) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    tenant record;
    removed integer;
    gone integer := 0;
begin
    for tenant in select t.id from tenants t loop
        perform set_config('app.tenant_id', tenant.id::text, true), set_config('app.tenant_ids', tenant.id::text, true);
        delete from idempotency_keys k
        where k.tenant_id = tenant.id and k.created_at < now() - make_interval(hours => p_hours);
        get diagnostics removed = row_count;
        gone := gone + removed;
    end loop;
    perform set_config('app.tenant_id', '', true), set_config('app.tenant_ids', '', true);
    return gone;
end
$$;

revoke all on all functions in schema public from public;
grant execute on function acting, sealed_values, record_event, settled_events, event_text, batch_hash to throughline_api, throughline_worker;
grant execute on function verify_seals to throughline_api;
grant execute on function forget_idempotency_keys, forget_sessions, seal_events, apply_score_batch to throughline_worker;
grant execute on function auth_open_session, auth_renew_session, auth_end_session, auth_end_other_sessions,
    auth_move_session, auth_user, auth_change_user, auth_keep_key_hash, auth_api_key, tenant_members,
    record_security_event to throughline_api;
grant execute on function tenant_members to throughline_worker;
grant execute on function take_rate to throughline_api;
