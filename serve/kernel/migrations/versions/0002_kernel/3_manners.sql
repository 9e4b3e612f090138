-- What the manners of the API remember.

-- A request that may be sent again: its key (a hash of who, where and the client's own word), and its answer: as it was
-- sent, or the row that it shows. As with events, the tenant needs no reference.
create table idempotency_keys (
    id uuid primary key,
    tenant_id uuid not null,
    request_hash uuid not null,
    status integer,
    headers jsonb,
    body bytea,
    record json,
    version bigint,
    created_at timestamptz not null default now()
);
create index on idempotency_keys using brin (created_at);

create table notifications (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid not null references users on delete cascade,
    event_id uuid,
    kind text not null,
    priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
    title text not null,
    body text,
    entity_type text,
    entity_id uuid,
    read_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, user_id, event_id)
);
create index on notifications (tenant_id, user_id, created_at);
create index on notifications (tenant_id, user_id) where read_at is null;

-- Settings of a tenant (without a user) or of one of its people, by category. Events never hold `secrets`; they say
-- when they changed.
create table settings (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid references users on delete cascade,
    category text not null,
    values jsonb not null default '{}'::jsonb check (jsonb_typeof(values) = 'object'),
    secrets bytea,
    secrets_changed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique nulls not distinct (tenant_id, user_id, category)
);
create policy owner_reads on settings for select to throughline_owner using (true); -- how long sessions may last

-- Files of rows taken in by a resource.
create table imports (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    resource text not null,
    filename text,
    format text not null check (format in ('csv', 'xlsx', 'jsonl')),
    encoding text,
    delimiter text,
    ignored_columns jsonb not null default '[]'::jsonb,
    user_id uuid,
    mode text not null check (mode in ('create', 'upsert', 'update')),
    is_dry_run boolean not null default false,
    status text not null default 'running' check (status in ('running', 'done', 'failed')),
    row_count integer not null,
    done_count integer not null default 0,
    created_count integer not null default 0,
    updated_count integer not null default 0,
    unchanged_count integer not null default 0,
    failed_count integer not null default 0,
    errors jsonb not null default '[]'::jsonb,
    error text,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);
create index on imports (tenant_id, created_at);

-- How much of its rate each key has used, where several API processes count together. Lost in a crash, and no harm done.
create unlogged table rate_limits (
    key text primary key,
    full_at_s double precision not null default 0
);

-- One request against several limits: it counts for all of them, or is refused and counts for none. The same rule as
-- `gcra` in serve/kernel/ratelimit.py, by the clock of the database. Debts come back in the order of the keys.
create function take_rate(
    p_keys text[], p_intervals_s double precision[], p_bursts integer[],
    out is_admitted boolean, out debts_s double precision[]
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    now_s double precision;
begin
    insert into rate_limits (key) select k from unnest(p_keys) k order by k on conflict do nothing;
    perform from rate_limits r where r.key = any (p_keys) order by r.key for update;
    now_s := extract(epoch from clock_timestamp()); -- now that we have our turn
    select array_agg(a.debt_s order by a.n), bool_and(a.debt_s + a.interval_s <= a.interval_s * a.burst + 1e-6)
    into debts_s, is_admitted
    from (
        select g.n, g.interval_s, g.burst,
            least(greatest(coalesce(r.full_at_s, 0) - now_s, 0), g.interval_s * g.burst) as debt_s
        from unnest(p_keys, p_intervals_s, p_bursts) with ordinality g (key, interval_s, burst, n)
        left join rate_limits r on r.key = g.key
    ) a;
    if is_admitted then
        select array_agg(d.debt_s + g.interval_s order by g.n) into debts_s
        from unnest(debts_s) with ordinality d (debt_s, n)
        join unnest(p_intervals_s) with ordinality g (interval_s, n) on g.n = d.n;
    end if;
    update rate_limits r set full_at_s = now_s + g.debt_s -- of a refused one too: the clock may have gone back
    from unnest(p_keys, debts_s) g (key, debt_s) where r.key = g.key;
    if random() < 0.001 then
        delete from rate_limits r where r.key in (
            select o.key from rate_limits o where o.full_at_s < now_s - 60 limit 1000 for update skip locked
        );
    end if;
end
$$;
