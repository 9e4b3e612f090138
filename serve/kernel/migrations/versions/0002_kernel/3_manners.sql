-- What the manners of the API remember.

-- A request that may be sent again: its key (a hash of who, where and the client's own word), and its answer.
create table idempotency_keys (
    id uuid primary key,
    tenant_id uuid not null references tenants,
    request_hash uuid not null,
    status integer,
    headers jsonb,
    body bytea,
    created_at timestamptz not null default now()
);
create index on idempotency_keys (created_at);

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

-- Settings of a tenant (without a user) or of one of its people, by category.
create table settings (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid references users on delete cascade,
    category text not null,
    values jsonb not null default '{}'::jsonb check (jsonb_typeof(values) = 'object'),
    secrets bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique nulls not distinct (tenant_id, user_id, category)
);

-- Files of rows taken in by a resource.
create table imports (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    resource text not null,
    filename text,
    mode text not null check (mode in ('create', 'upsert', 'update')),
    is_dry_run boolean not null default false,
    status text not null default 'running' check (status in ('running', 'done', 'failed')),
    row_count integer,
    done_count integer not null default 0,
    created_count integer not null default 0,
    updated_count integer not null default 0,
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
