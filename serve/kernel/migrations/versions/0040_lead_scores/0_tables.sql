alter table leads add rescore_at timestamptz;
create index leads_rescore_at_idx on leads (rescore_at) where rescore_at is not null and deleted_at is null;

create table lead_analyses (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    lead_id uuid not null,
    score double precision check (score between 0 and 1),
    reasons jsonb not null default '[]'::jsonb,
    features jsonb not null default '{}'::jsonb,
    model jsonb,
    unscored_because text,
    as_of_at timestamptz,
    facts jsonb,
    cause text not null check (cause in ('asked', 'changed')),
    user_id uuid references users on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade
);
create index on lead_analyses (tenant_id, lead_id, created_at);
