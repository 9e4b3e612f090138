-- Why a tenant stands still, as facts of their own: whoever lifts one does not lift the other.
alter table tenants
    add suspended_at timestamptz,
    add suspended_because text,
    add closing_since timestamptz,
    add erase_after timestamptz,
    add closed_at timestamptz,
    add state text not null generated always as (
        case
            when closed_at is not null then 'closed'
            when closing_since is not null then 'closing'
            when suspended_at is not null then 'suspended'
            else 'active'
        end
    ) stored,
    add constraint tenants_erase_after_check check ((closing_since is null) = (erase_after is null));

-- Names that a tenant had: nobody else gets one for a while, because links and people still say it.
create table tenant_slugs (
    slug text not null,
    tenant_id uuid not null references tenants,
    retired_at timestamptz not null default now(),
    primary key (slug, tenant_id)
);
create index on tenant_slugs (tenant_id);

create function keep_slug() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (
        select from tenant_slugs s
        where s.slug = new.slug and s.tenant_id <> new.id and s.retired_at > now() - interval '90 days'
    ) then
        raise exception 'the slug was given up a short time ago'
            using errcode = 'unique_violation', table = 'tenants', constraint = 'tenants_slug_key';
    end if;
    delete from tenant_slugs s where s.slug = new.slug and s.tenant_id = new.id;
    if tg_op = 'UPDATE' and old.slug <> new.slug then
        insert into tenant_slugs (slug, tenant_id) values (old.slug, new.id);
    end if;
    return new;
end
$$;
create trigger keep_slug before insert or update of slug on tenants for each row execute function keep_slug();

-- A tenant's own row has no `tenant_id`, by which `record_event` goes.
create function record_tenant_event() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
    technical constant text[] := '{id,created_at,change_xid}';
    old_row jsonb := '{}';
    new_row jsonb := to_jsonb(new) - technical;
    changed text[];
    actor record;
begin
    if session_user not in ('throughline_api', 'throughline_worker') and coalesce(current_setting('app.actor', true), '') = '' then
        return null; -- a load by the schema's owner
    end if;
    if tg_op = 'UPDATE' then
        old_row := to_jsonb(old) - technical;
        select array_agg(key) into changed from jsonb_each(new_row) where value is distinct from old_row -> key;
        if changed is null then
            return null;
        end if;
        select jsonb_object_agg(key, value) into old_row from jsonb_each(old_row) where key = any (changed);
        select jsonb_object_agg(key, value) into new_row from jsonb_each(new_row) where key = any (changed);
    end if;
    actor := acting();
    insert into events (
        tenant_id, name, entity_type, entity_id, before, after, actor_kind, actor_id, request_id, cause_id
    )
    values (
        new.id,
        coalesce(
            nullif(current_setting('app.event', true), ''),
            case tg_op when 'INSERT' then 'tenant.created' else 'tenant.updated' end
        ),
        'tenant', new.id, nullif(old_row, '{}'), new_row, actor.kind, actor.id,
        nullif(current_setting('app.request_id', true), ''),
        nullif(current_setting('app.cause', true), '')::uuid
    );
    return null;
end
$$;
create trigger record_tenant_event after insert or update on tenants
    for each row execute function record_tenant_event();

-- The caller's tenant and its children, as they are now; a token says only who they were when it was given.
create function own_tenants() returns setof tenants
language sql stable security definer set search_path = public, pg_temp as $$
    select t.* from tenants t
    where nullif(current_setting('app.tenant_id', true), '')::uuid in (t.id, t.parent_id)
$$;

-- For whoever runs the installation, who knows tenants by name.
create function tenant_of_slug(p_slug text) returns uuid
language sql stable security definer set search_path = public, pg_temp as $$
    select id from tenants where slug = p_slug
$$;

-- For loops that ask what stands still.
create function held_tenants() returns setof uuid
language sql stable security definer set search_path = public, pg_temp as $$
    select id from tenants where state <> 'active'
$$;

-- What every process keeps of every tenant, changed at or above a transaction.
create function tenants_since(p_xid bigint) returns table (id uuid, parent_id uuid, state text)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id, t.parent_id, t.state from tenants t where t.change_xid >= p_xid
$$;

-- The first free one of these names: one that nobody has or had a short time ago.
create function free_slug(p_slugs text[]) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select c.slug from unnest(p_slugs) with ordinality c (slug, n)
    where not exists (select from tenants t where t.slug = c.slug)
        and not exists (
            select from tenant_slugs s where s.slug = c.slug and s.retired_at > now() - interval '90 days'
        )
    order by c.n limit 1
$$;

-- A tenant with its first owner and what its settings begin with. A child is made by its parent, which is nobody's child.
create function make_tenant(
    p_id uuid, p_parent_id uuid, p_slug text, p_name text, p_kind text, p_country text, p_timezone text, p_currency text,
    p_owner_id uuid, p_general jsonb
) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_ids text := coalesce(current_setting('app.tenant_ids', true), '');
begin
    if p_parent_id is not null then
        perform from tenants t
        where t.id = p_parent_id and t.id::text = caller_id and t.parent_id is null and t.state = 'active'
        for share;
        if not found then
            raise exception 'no umbrella of the caller' using errcode = 'check_violation', table = 'tenants',
                constraint = 'tenants_parent_id_check';
        end if;
    end if;
    perform set_config('app.tenant_id', p_id::text, true), set_config('app.tenant_ids', p_id::text, true);
    insert into tenants (id, parent_id, slug, name, kind, country, timezone, currency)
    values (p_id, p_parent_id, p_slug, p_name, p_kind, p_country, p_timezone, p_currency);
    insert into settings (tenant_id, category, values) values (p_id, 'general', p_general);
    if p_owner_id is not null then
        insert into memberships (user_id, tenant_id, role) values (p_owner_id, p_id, 'owner');
    end if;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.tenant_ids', caller_ids, true);
end
$$;

-- A child stands still, or goes on: by word of its parent, or of the installation (whose worker asks without a tenant).
-- What runs goes back to its queue, where it waits; what may go on although the tenant stands still is `p_going_on`.
create function suspend_tenant(p_id uuid, p_because text, p_going_on text[]) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_event text := coalesce(current_setting('app.event', true), '');
    is_done boolean;
begin
    perform set_config('app.tenant_id', p_id::text, true), set_config('app.event', 'tenant.suspended', true);
    update tenants t set suspended_at = now(), suspended_because = p_because
    where t.id = p_id and t.suspended_at is null and t.closed_at is null
        and (t.parent_id::text = caller_id or session_user <> 'throughline_api');
    is_done := found;
    if is_done then
        perform hold_tasks(p_going_on);
    end if;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.event', caller_event, true);
    return is_done;
end
$$;

create function resume_tenant(p_id uuid) returns boolean
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_event text := coalesce(current_setting('app.event', true), '');
    is_done boolean;
begin
    perform set_config('app.tenant_id', p_id::text, true), set_config('app.event', 'tenant.resumed', true);
    update tenants t set suspended_at = null, suspended_because = null
    where t.id = p_id and t.suspended_at is not null and t.closed_at is null
        and (t.parent_id::text = caller_id or session_user <> 'throughline_api');
    is_done := found;
    if is_done then
        perform free_tasks();
    end if;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.event', caller_event, true);
    return is_done;
end
$$;

-- Of the tenant that the transaction acts for: a run that goes on writes nothing more, because another one is queued.
create function hold_tasks(p_going_on text[]) returns void
language plpgsql volatile set search_path = public, pg_temp as $$
begin
    perform set_config('app.event', 'task.handed_back', true);
    update tasks set status = 'queued', run = run + 1, message = 'It waits: the tenant stands still.'
    where tenant_id = current_setting('app.tenant_id')::uuid and status = 'running' and kind <> all (p_going_on);
end
$$;

-- What came up in the queue meanwhile was passed over; a new run of each comes up again.
create function free_tasks() returns void
language plpgsql volatile set search_path = public, pg_temp as $$
begin
    perform set_config('app.event', '', true);
    if not exists (select from tenants t where t.id = current_setting('app.tenant_id')::uuid and t.state <> 'active') then
        update tasks set run = run + 1
        where tenant_id = current_setting('app.tenant_id')::uuid and status = 'queued';
    end if;
end
$$;

revoke all on function tenant_of_slug, keep_slug, record_tenant_event, own_tenants, held_tenants, tenants_since, free_slug, make_tenant,
    suspend_tenant, resume_tenant, hold_tasks, free_tasks from public;
grant execute on function record_tenant_event to throughline_api, throughline_worker;
grant execute on function own_tenants, tenants_since to throughline_api;
grant execute on function free_slug, make_tenant, suspend_tenant, resume_tenant to throughline_api, throughline_worker;
grant execute on function held_tenants, tenant_of_slug to throughline_worker;
grant update (slug) on tenants to throughline_api;
