create table api_requests (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid,
    method text not null,
    route text not null,
    status integer not null,
    duration_ms double precision not null,
    request_bytes bigint,
    response_bytes bigint,
    requested_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);
create index on api_requests (tenant_id, requested_at);

create table tombstones (
    id uuid primary key default uuidv7(),
    table_name text not null,
    row_id uuid not null,
    tenant_id uuid not null,
    deleted_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint
);
create index on tombstones using brin (change_xid) with (autosummarize);

create table score_batches (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null,
    entity text not null check (entity in ('lead', 'account', 'vehicle')),
    entity_id uuid not null,
    score double precision not null check (score between 0 and 1),
    reasons jsonb not null,
    model_version text not null,
    release_id text not null,
    created_at timestamptz not null default now(),
    applied_at timestamptz,
    unique (release_id, tenant_id, entity, entity_id)
);

create table pipeline_requests (
    id uuid primary key default uuidv7(),
    tenant_id uuid references tenants,
    kind text not null check (kind in ('refresh', 'train', 'report')),
    params jsonb not null default '{}'::jsonb,
    status text not null default 'queued' check (status in ('queued', 'running', 'done', 'failed')),
    requested_by uuid,
    requested_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    run_id text,
    error text
);
create index pipeline_requests_open_idx on pipeline_requests (requested_at) where status in ('queued', 'running');
create index on pipeline_requests (tenant_id, requested_at);
