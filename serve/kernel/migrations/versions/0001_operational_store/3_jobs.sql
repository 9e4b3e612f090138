create table jobs (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid,
    provider_id uuid,
    zone_id uuid,
    service text not null,
    channel text,
    status text not null default 'new' check (status in ('new', 'assigned', 'in_progress', 'completed', 'cancelled')),
    requested_at timestamptz not null,
    due_at timestamptz,
    assigned_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    price_cents bigint not null,
    cost_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    rating integer check (rating between 1 and 5),
    is_late boolean,
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    attributes jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id),
    foreign key (tenant_id, zone_id) references zones (tenant_id, id)
);
create index on jobs (tenant_id, account_id);
create index on jobs (tenant_id, provider_id);
create index on jobs (tenant_id, status, requested_at);
create index on jobs (tenant_id, zone_id);

create table job_status_changes (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    job_id uuid not null,
    from_status text check (from_status in ('new', 'assigned', 'in_progress', 'completed', 'cancelled')),
    to_status text not null check (to_status in ('new', 'assigned', 'in_progress', 'completed', 'cancelled')),
    changed_at timestamptz not null,
    changed_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id) on delete cascade
);
create index on job_status_changes (tenant_id, job_id);

create table quotes (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid not null,
    job_id uuid,
    status text not null default 'draft' check (status in ('draft', 'sent', 'accepted', 'declined', 'expired')),
    total_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    sent_at timestamptz,
    decided_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);
create index on quotes (tenant_id, account_id);
create index on quotes (tenant_id, job_id);

create table tickets (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid not null,
    contact_id uuid,
    job_id uuid,
    subject text not null,
    priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
    status text not null default 'open' check (status in ('open', 'pending', 'resolved', 'closed')),
    opened_at timestamptz not null,
    first_response_at timestamptz,
    resolved_at timestamptz,
    satisfaction integer check (satisfaction between 1 and 5),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id),
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);
create index on tickets (tenant_id, account_id);
create index on tickets (tenant_id, contact_id);
create index on tickets (tenant_id, job_id);
create index on tickets (tenant_id, status, opened_at);
