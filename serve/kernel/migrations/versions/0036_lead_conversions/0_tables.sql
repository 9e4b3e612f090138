alter table leads add converted_at timestamptz;

create table lead_conversions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    lead_id uuid not null,
    contact_id uuid not null,
    account_id uuid,
    quote_id uuid,
    job_id uuid,
    made text[] not null default '{}',
    lead_before jsonb not null,
    lead_after jsonb not null,
    user_id uuid references users on delete set null,
    undo_until timestamptz not null,
    undone_at timestamptz,
    undone_by uuid references users on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade,
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id),
    foreign key (tenant_id, quote_id) references quotes (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);
create index on lead_conversions (tenant_id, lead_id);
create index on lead_conversions (tenant_id, contact_id);
create index on lead_conversions (tenant_id, account_id);
create index on lead_conversions (tenant_id, quote_id);
create index on lead_conversions (tenant_id, job_id);
create unique index lead_conversions_tenant_id_lead_id_key on lead_conversions (tenant_id, lead_id)
where undone_at is null;
