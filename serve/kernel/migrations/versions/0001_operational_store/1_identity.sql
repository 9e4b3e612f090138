create table tenants (
    id uuid primary key default uuidv7(),
    slug text not null,
    name text not null,
    kind text not null check (kind in ('fleet', 'marketplace', 'field_service', 'source')),
    parent_id uuid references tenants,
    country text not null,
    timezone text not null default 'UTC',
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    is_simulated boolean not null default false,
    data_from date,
    data_until date,
    failure_horizon_h integer not null default 336 check (failure_horizon_h > 0),
    created_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (slug)
);
create index on tenants using brin (change_xid) with (autosummarize);
create index on tenants (parent_id);

create table users (
    id uuid primary key default uuidv7(),
    email text not null,
    full_name text not null,
    password_hash text not null,
    is_active boolean not null default true,
    last_login_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint
);
create unique index users_lower_email_key on users (lower(email));

create table memberships (
    id uuid primary key default uuidv7(),
    user_id uuid not null references users on delete cascade,
    tenant_id uuid not null references tenants,
    role text not null check (role in ('owner', 'admin', 'manager', 'agent', 'technician', 'viewer')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (user_id, tenant_id)
);
create index on memberships using brin (change_xid) with (autosummarize);
create index on memberships (tenant_id);
