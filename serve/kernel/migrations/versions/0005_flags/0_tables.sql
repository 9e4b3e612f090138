-- Who saw which variant of a flag, and when first: within an experiment one variant for each subject.
create table flag_exposures (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    flag_id uuid not null,
    experiment_id uuid,
    subject text not null,
    variant text not null,
    first_seen_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, flag_id) references flags (tenant_id, id),
    foreign key (tenant_id, experiment_id) references experiments (tenant_id, id)
);
create index on flag_exposures (tenant_id, flag_id);
create unique index flag_exposures_experiment_id_key on flag_exposures (tenant_id, experiment_id, subject)
    where experiment_id is not null;
create unique index flag_exposures_flag_id_key on flag_exposures (tenant_id, flag_id, subject, variant)
    where experiment_id is null;

-- How often each variant of a flag was given on a day.
create table flag_uses (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    flag_id uuid not null,
    variant text not null,
    used_on date not null,
    use_count bigint not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, flag_id, used_on, variant),
    foreign key (tenant_id, flag_id) references flags (tenant_id, id)
);

-- What a person thinks of a feature; one opinion each, the newest.
create table flag_feedback (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    flag_id uuid not null,
    user_id uuid not null references users on delete cascade,
    variant text,
    rating integer not null check (rating between 1 and 5),
    comment text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, flag_id, user_id),
    foreign key (tenant_id, flag_id) references flags (tenant_id, id)
);

-- People of the tenant who get what others do not yet.
create table beta_users (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid not null references users on delete cascade,
    source text not null check (source in ('self', 'team')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, user_id)
);

-- A tenant's own limits where it has some; what is empty is the installation's.
create table tenant_limits (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    kind text not null check (kind in ('read', 'write', 'export', 'auth')),
    caller_per_min double precision check (caller_per_min > 0),
    caller_burst integer check (caller_burst > 0),
    tenant_per_min double precision check (tenant_per_min > 0),
    tenant_burst integer check (tenant_burst > 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, kind)
);
create index on tenant_limits (change_xid);
create policy owner_reads on tenant_limits for select to throughline_owner using (true); -- every process needs all of them

-- From which day on a tenant refuses a deprecated call to itself, where that is sooner than for all; empty: no longer.
create table api_sunsets (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    method text not null,
    route text not null,
    sunset_on date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, method, route)
);
create index on api_sunsets (change_xid);
create policy owner_reads on api_sunsets for select to throughline_owner using (true);
