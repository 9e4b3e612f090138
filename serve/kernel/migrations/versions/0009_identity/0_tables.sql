-- Whoever comes in by another house's log-in, or has been invited and has not come yet, has no password.
alter table users
    alter column password_hash drop not null,
    add phone text,
    add job_title text,
    add email_verified_at timestamptz;
update users set email_verified_at = created_at;

alter table memberships
    drop constraint memberships_role_check, -- a tenant may have roles of its own
    add state text not null default 'active' check (state in ('active', 'suspended'));

-- How the person of a session proved who they are, and what the session is for. One that must not be carried on for as
-- long as it is used has an end of its own.
alter table sessions
    add kind text not null default 'web' check (kind in ('web', 'mobile', 'customer', 'impersonation')),
    add methods text[] not null default '{password}',
    add authenticated_at timestamptz not null default now(),
    add ends_at timestamptz,
    add impersonation_id uuid,
    drop constraint sessions_ended_because_check,
    add check (ended_because in ('logout', 'reuse', 'revoked', 'password', 'deactivated'));

-- What makes access tokens void before their end: those of a session, of a person (in one tenant or in all), of a role,
-- or an API key. Every process follows it, and nobody needs a line that is older than the life of a token.
create table revocations (
    id uuid primary key default uuidv7(),
    session_id uuid,
    user_id uuid,
    tenant_id uuid,
    role text,
    api_key_id uuid,
    revoked_at timestamptz not null default clock_timestamp(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    constraint revocations_subject_check check (num_nonnulls(session_id, user_id, role, api_key_id) = 1)
);
create index on revocations (change_xid);

-- Links that people get by mail: each works once, for one purpose. A row without a person stands for a mail that nobody
-- gets, so that an unknown address costs the same as a known one.
create table account_tokens (
    hash bytea primary key,
    purpose text not null,
    user_id uuid references users on delete cascade,
    tenant_id uuid references tenants,
    subject_id uuid,
    email text,
    detail jsonb not null default '{}',
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    failures integer not null default 0
);
create index on account_tokens (purpose, subject_id);
create index on account_tokens (user_id);
create index on account_tokens (lower(email));
create index on account_tokens (expires_at);

-- Mail about accounts, with secrets in it: sealed while it waits, emptied when it was sent.
create table account_mails (
    id uuid primary key default uuidv7(),
    kind text not null,
    tenant_id uuid references tenants,
    user_id uuid references users on delete cascade,
    content bytea,
    state text not null check (state in ('queued', 'sent', 'failed', 'nobody')),
    attempts integer not null default 0,
    not_before timestamptz not null default now(),
    error text,
    created_at timestamptz not null default now(),
    sent_at timestamptz
);
create index on account_mails (not_before) where state = 'queued';
create index on account_mails (created_at);
create index on account_mails (user_id);

-- Every attempt to come in that concerns somebody of the tenant.
create table sign_ins (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid not null,
    happened_at timestamptz not null default now(),
    outcome text not null check (outcome in ('succeeded', 'failed')),
    method text not null,
    kind text not null,
    address text,
    country text,
    user_agent text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);
create index on sign_ins (tenant_id, user_id, happened_at);
create index on sign_ins (tenant_id, happened_at);

-- More power for a while: who, why, from which role to which, until when.
create table elevations (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid not null references users on delete cascade,
    session_id uuid not null,
    from_role text not null,
    to_role text not null,
    reason text not null,
    ends_at timestamptz not null,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);
create index on elevations (tenant_id, created_at);
create index on elevations (session_id);
create index on elevations (user_id);

-- Seeing the tenant with somebody else's eyes.
create table impersonations (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid not null references users on delete cascade,
    impersonator_id uuid not null references users on delete cascade,
    reason text not null,
    ends_at timestamptz not null,
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id)
);
create index on impersonations (tenant_id, created_at);
create index on impersonations (user_id);
create index on impersonations (impersonator_id);

alter table sessions add foreign key (impersonation_id) references impersonations on delete cascade;
