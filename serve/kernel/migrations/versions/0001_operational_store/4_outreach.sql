create table campaigns (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    name text not null,
    channel text not null check (channel in ('email', 'sms', 'whatsapp', 'ads')),
    status text not null default 'draft' check (status in ('draft', 'running', 'paused', 'finished')),
    cost_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    started_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);

create table leads (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid,
    campaign_id uuid,
    full_name text not null,
    email text,
    phone text,
    company text,
    source text not null,
    status text not null default 'new' check (status in ('new', 'contacted', 'qualified', 'won', 'lost')),
    cost_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    value_cents bigint,
    first_replied_at timestamptz,
    won_at timestamptz,
    lost_at timestamptz,
    snapshot_date date,
    score double precision check (score between 0 and 1),
    score_reasons jsonb,
    scored_at timestamptz,
    attributes jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id),
    foreign key (tenant_id, campaign_id) references campaigns (tenant_id, id)
);
create index on leads (tenant_id, account_id);
create index on leads (tenant_id, campaign_id);
create index on leads (tenant_id, status, created_at);

create table lead_activities (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    lead_id uuid not null,
    kind text not null check (kind in ('visit', 'call', 'email', 'reply', 'meeting', 'note')),
    direction text check (direction in ('in', 'out')),
    happened_at timestamptz not null,
    duration_s double precision,
    attributes jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade
);
create index on lead_activities (tenant_id, lead_id);

create table campaign_events (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    campaign_id uuid not null,
    lead_id uuid,
    contact_id uuid,
    kind text not null check (kind in ('send', 'delivery', 'open', 'click', 'reply', 'bounce', 'unsubscribe', 'visit', 'conversion')),
    happened_at timestamptz not null,
    value_cents bigint,
    variant text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, campaign_id) references campaigns (tenant_id, id) on delete cascade,
    foreign key (tenant_id, lead_id) references leads (tenant_id, id),
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id)
);
create index on campaign_events (tenant_id, campaign_id);
create index on campaign_events (tenant_id, contact_id);
create index on campaign_events (tenant_id, happened_at);
create index on campaign_events (tenant_id, lead_id);

create table messages (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    account_id uuid,
    lead_id uuid,
    job_id uuid,
    channel text not null check (channel in ('email', 'sms', 'whatsapp', 'web', 'phone')),
    direction text not null check (direction in ('in', 'out')),
    sent_at timestamptz not null,
    length_chars integer not null,
    replied_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id),
    foreign key (tenant_id, lead_id) references leads (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);
create index on messages (tenant_id, account_id);
create index on messages (tenant_id, job_id);
create index on messages (tenant_id, lead_id);
create index on messages (tenant_id, sent_at);
