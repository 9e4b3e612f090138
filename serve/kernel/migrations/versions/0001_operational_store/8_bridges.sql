-- Functions and views that reach across tenants. They run as throughline_owner, who is bound by row security like
-- everybody else; the policies named owner_... say exactly what more it may do.

revoke create on schema public from public; -- a server upgraded from 14 still lets everybody

create policy owner_reads on tenants for select to throughline_owner using (true);
create policy owner_reads on accounts for select to throughline_owner using (true);
create policy owner_reads on contacts for select to throughline_owner using (true);
create policy owner_reads on leads for select to throughline_owner using (true);
create policy owner_reads on providers for select to throughline_owner using (true);

-- Direct identifiers of people, for the landing. A company's row is there too, empty, so that an account that turns
-- from a household into a company loses its name in the warehouse.
create view persons as
select id, 'contact' as kind, tenant_id, full_name, email, phone, change_xid from contacts
union all
select id, 'lead', tenant_id, full_name, email, phone, change_xid from leads
union all
select id, 'provider', tenant_id, full_name, email, phone, change_xid from providers
union all
select id, 'account', tenant_id, case when kind = 'household' then name end, null, null, change_xid from accounts;

grant select on persons to throughline_extract;

-- Deletions are written by a trigger and read by the extraction; nobody else has any business here.
alter table tombstones enable row level security;
alter table tombstones force row level security;
create policy owner_inserts on tombstones for insert to throughline_owner with check (true);
grant select on tombstones to throughline_extract;

-- A tenant may change how it is named and counted, not what it is or whose child.
grant select, update (name, country, timezone, currency, data_from, data_until, failure_horizon_h) on tenants
    to throughline_api, throughline_worker;

-- The pipeline answers requests of every tenant; a tenant sees and makes its own.
create policy worker_all on pipeline_requests to throughline_worker using (true) with check (true);
grant select, insert (tenant_id, kind, params, requested_by) on pipeline_requests to throughline_api;
grant select, insert, update, delete on pipeline_requests to throughline_worker;

-- No row security: COPY does not work under it, and the pipeline copies the scores of all tenants at once.
-- apply_score_batch puts each row through the row policy of its tenant.
grant select, insert, delete on score_batches to throughline_worker;

grant select on alembic_version to throughline_api, throughline_worker;

create function auth_user_by_email(p_email text)
returns table (id uuid, password_hash text, is_active boolean, full_name text)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.id, u.password_hash, u.is_active, u.full_name from users u where lower(u.email) = lower(p_email)
$$;

create function auth_memberships(p_user_id uuid)
returns table (
    tenant_id uuid, slug text, name text, kind text, role text, is_simulated boolean, timezone text, currency text
)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id, t.slug, t.name, t.kind, m.role, t.is_simulated, t.timezone, t.currency
    from memberships m join tenants t on t.id = m.tenant_id
    where m.user_id = p_user_id
    order by t.slug
$$;

-- What app.tenant_ids may hold for a caller of this tenant: itself and, for an umbrella, its children.
create function auth_readable_tenants(p_tenant_id uuid) returns setof uuid
language sql stable security definer set search_path = public, pg_temp as $$
    select id from tenants where id = p_tenant_id or parent_id = p_tenant_id order by id
$$;

create function auth_touch_login(p_user_id uuid) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update users set last_login_at = now() where id = p_user_id
$$;

-- Which history transaction ids belong to: after a restore or a promotion a watermark of before means nothing.
create function cluster_identity(out system_identifier text, out timeline integer, out database_oid bigint)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
    select
        (select s.system_identifier::text from pg_control_system() s),
        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer,
        (select d.oid::bigint from pg_database d where d.datname = current_database())
$$;

-- Monthly partitions (UTC) for readings from one day to another, both included. Returns how many it made.
create function ensure_telemetry_partitions(p_from date, p_to date) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    first_day date := date_trunc('month', p_from)::date;
    next_day date;
    partition_name text;
    made integer := 0;
begin
    if p_to < p_from or p_to - p_from > 36600 then
        raise exception 'telemetry partitions from % to %: give an ordered range of at most a hundred years', p_from, p_to
            using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(hashtext('telemetry partitions'));
    while first_day <= p_to loop
        next_day := (first_day + interval '1 month')::date;
        partition_name := 'telemetry_' || to_char(first_day, 'YYYY_MM');
        if to_regclass('public.' || partition_name) is null then
            execute format(
                'create table public.%I partition of telemetry for values from (%L) to (%L)',
                partition_name, first_day || ' 00:00:00+00', next_day || ' 00:00:00+00'
            );
            made := made + 1;
        end if;
        first_day := next_day;
    end loop;
    return made;
end
$$;

-- Writes the waiting scores of a release to their rows; returns how many rows changed. Each tenant's scores are
-- written as that tenant, so a score can only ever reach a row of its own tenant.
create function apply_score_batch(p_release text) returns integer
language plpgsql volatile security definer
set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_ids text := coalesce(current_setting('app.tenant_ids', true), '');
    tenant uuid;
    changed integer;
    total integer := 0;
begin
    for tenant in
        select distinct b.tenant_id from score_batches b
        where b.release_id = p_release and b.applied_at is null
        order by 1
    loop
        perform set_config('app.tenant_id', tenant::text, true), set_config('app.tenant_ids', tenant::text, true);

        update leads t set score = b.score, score_reasons = b.reasons, scored_at = b.created_at
        from score_batches b
        where b.release_id = p_release and b.tenant_id = tenant and b.entity = 'lead' and b.applied_at is null
            and t.tenant_id = b.tenant_id and t.id = b.entity_id
            and (t.score, t.score_reasons) is distinct from (b.score, b.reasons);
        get diagnostics changed = row_count;
        total := total + changed;

        update accounts t set churn_score = b.score, churn_reasons = b.reasons, churn_scored_at = b.created_at
        from score_batches b
        where b.release_id = p_release and b.tenant_id = tenant and b.entity = 'account' and b.applied_at is null
            and t.tenant_id = b.tenant_id and t.id = b.entity_id
            and (t.churn_score, t.churn_reasons) is distinct from (b.score, b.reasons);
        get diagnostics changed = row_count;
        total := total + changed;

        update vehicles t set failure_score = b.score, failure_reasons = b.reasons, failure_scored_at = b.created_at
        from score_batches b
        where b.release_id = p_release and b.tenant_id = tenant and b.entity = 'vehicle' and b.applied_at is null
            and t.tenant_id = b.tenant_id and t.id = b.entity_id
            and (t.failure_score, t.failure_reasons) is distinct from (b.score, b.reasons);
        get diagnostics changed = row_count;
        total := total + changed;

        update score_batches b set applied_at = now()
        where b.release_id = p_release and b.tenant_id = tenant and b.applied_at is null;
    end loop;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.tenant_ids', caller_ids, true);
    return total;
end
$$;

revoke all on all functions in schema public from public;
grant execute on function auth_user_by_email, auth_memberships, auth_touch_login to throughline_api;
grant execute on function auth_readable_tenants to throughline_api, throughline_worker;
grant execute on function cluster_identity to throughline_extract, throughline_worker;
grant execute on function ensure_telemetry_partitions, apply_score_batch to throughline_worker;
