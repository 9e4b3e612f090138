create table zones (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    name text not null,
    city text not null,
    country text not null,
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);

create table providers (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    kind text not null check (kind in ('technician', 'partner')),
    full_name text not null,
    email text,
    phone text,
    zone_id uuid,
    skills jsonb not null default '[]'::jsonb,
    hourly_cost_cents bigint not null,
    rating double precision check (rating between 0 and 5),
    is_active boolean not null default true,
    hired_date date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, zone_id) references zones (tenant_id, id)
);
create index on providers (tenant_id, zone_id);

create table accounts (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    kind text not null check (kind in ('company', 'household')),
    name text not null,
    company_name text generated always as (case when kind = 'company' then name end) stored,
    segment text not null check (segment in ('enterprise', 'smb', 'consumer')),
    status text not null default 'active' check (status in ('active', 'churned', 'prospect')),
    zone_id uuid,
    city text,
    country text not null,
    since_date date,
    churned_at timestamptz,
    snapshot_date date,
    churn_score double precision check (churn_score between 0 and 1),
    churn_reasons jsonb,
    churn_scored_at timestamptz,
    attributes jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, zone_id) references zones (tenant_id, id)
);
create index on accounts (tenant_id, status);
create index on accounts (tenant_id, zone_id);

create table contacts (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid,
    full_name text not null,
    email text,
    phone text,
    job_title text,
    consent_email boolean not null default false,
    attributes jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id)
);
create index on contacts (tenant_id, account_id);
