create table invoices (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid not null,
    job_id uuid,
    number text not null,
    status text not null default 'draft' check (status in ('draft', 'sent', 'paid', 'overdue', 'void', 'returned')),
    issued_at timestamptz not null,
    due_date date,
    paid_at timestamptz,
    net_cents bigint not null,
    tax_cents bigint not null,
    total_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    is_return boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, number),
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id),
    constraint invoices_total_check check (total_cents = net_cents + tax_cents)
);
create index on invoices (tenant_id, account_id);
create index on invoices (tenant_id, issued_at);
create index on invoices (tenant_id, job_id);

create table invoice_lines (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    invoice_id uuid not null,
    line_no integer not null,
    product_code text,
    description text not null,
    quantity double precision not null,
    unit_price_cents bigint not null,
    net_cents bigint not null,
    cost_cents bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, invoice_id, line_no),
    unique (tenant_id, id),
    foreign key (tenant_id, invoice_id) references invoices (tenant_id, id) on delete cascade
);

create table payments (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    invoice_id uuid,
    account_id uuid not null,
    method text not null,
    status text not null check (status in ('succeeded', 'failed', 'refunded')),
    amount_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    paid_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id)
);
create index on payments (tenant_id, account_id);
create index on payments (tenant_id, invoice_id);
create index on payments (tenant_id, paid_at);

create table subscriptions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid not null,
    plan text not null,
    status text not null default 'active' check (status in ('active', 'cancelled', 'paused')),
    mrr_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    started_date date not null,
    cancelled_date date,
    snapshot_date date,
    attributes jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id)
);
create index on subscriptions (tenant_id, account_id);

create table expenses (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    category text not null check (category in ('fuel', 'parts', 'labour', 'rent', 'marketing', 'software', 'insurance', 'leads', 'other')),
    vehicle_id uuid,
    campaign_id uuid,
    vendor text,
    amount_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    spent_date date not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id),
    foreign key (tenant_id, campaign_id) references campaigns (tenant_id, id)
);
create index on expenses (tenant_id, campaign_id);
create index on expenses (tenant_id, spent_date);
create index on expenses (tenant_id, vehicle_id);

create table budgets (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    category text not null,
    month date not null check (extract(day from month) = 1),
    amount_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, category, month),
    unique (tenant_id, id)
);
