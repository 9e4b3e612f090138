create table sso_connections (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    name text not null,
    kind text not null check (kind in ('oidc', 'saml')),
    is_enabled boolean not null default true,
    configuration jsonb not null check (jsonb_typeof(configuration) = 'object'),
    user_mapping jsonb not null check (jsonb_typeof(user_mapping) = 'object'),
    secret bytea,
    changed_by_role text not null, -- nobody comes in by it who may do more
    tested_at timestamptz,
    is_sound boolean,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, name)
);

-- A domain may be claimed by anybody and counts once it is proven; then nobody else can prove it.
create table sso_domains (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    connection_id uuid not null,
    domain text not null,
    token text not null,
    is_enforced boolean not null default false,
    verified_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, domain),
    foreign key (tenant_id, connection_id) references sso_connections (tenant_id, id) on delete cascade,
    constraint sso_domains_is_enforced_check check (verified_at is not null or not is_enforced)
);
create index on sso_domains (tenant_id, connection_id);
create unique index sso_domains_domain_key on sso_domains (domain) where verified_at is not null;

-- Whom a provider means by a subject, from the first time on.
create table sso_identities (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    connection_id uuid not null,
    subject text not null,
    user_id uuid not null references users on delete cascade,
    last_login_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, connection_id, subject),
    foreign key (tenant_id, connection_id) references sso_connections (tenant_id, id) on delete cascade
);
create index on sso_identities (user_id);

-- Sign-ins that have begun. With `user_id` the provider has said who it is, and the browser has not come for it yet.
create table sso_attempts (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    connection_id uuid not null,
    hash bytea not null,
    browser_hash bytea not null,
    return_to text not null,
    user_id uuid references users on delete cascade,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, hash),
    foreign key (tenant_id, connection_id) references sso_connections (tenant_id, id) on delete cascade
);
create index on sso_attempts (tenant_id, connection_id);
create index on sso_attempts (user_id);
create index on sso_attempts (expires_at);

-- Assertions that were taken, until they would be refused for their age.
create table sso_assertions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    connection_id uuid not null,
    hash bytea not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, connection_id, hash),
    foreign key (tenant_id, connection_id) references sso_connections (tenant_id, id) on delete cascade
);
create index on sso_assertions (expires_at);
