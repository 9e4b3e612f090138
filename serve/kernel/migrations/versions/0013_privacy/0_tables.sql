-- What people are told they agree to; a version is never changed, a better text is a new one.
create table consent_texts (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    purpose_id uuid not null,
    version integer not null check (version > 0),
    language text not null,
    text text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, purpose_id, version, language),
    foreign key (tenant_id, purpose_id) references consent_purposes (tenant_id, id)
);

-- Each time that somebody agreed or took it back. The last line of a purpose and channel is how it stands.
create table consents (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    subject_kind text not null check (subject_kind in ('contact', 'lead', 'provider', 'account', 'user', 'employee')),
    subject_id uuid not null,
    purpose_id uuid not null,
    channel text not null check (channel in ('any', 'email', 'sms', 'phone', 'whatsapp', 'post', 'web')),
    decision text not null check (decision in ('granted', 'withdrawn')),
    decided_at timestamptz not null,
    text_version integer,
    source text not null,
    evidence text,
    recorded_by uuid,
    created_at timestamptz not null default now(),
    foreign key (tenant_id, purpose_id) references consent_purposes (tenant_id, id)
);
create index on consents (tenant_id, subject_kind, subject_id, decided_at);
create index on consents (tenant_id, created_at);

-- What an erasure had to leave, why, and until when.
create table privacy_kept (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    request_id uuid,
    table_name text not null,
    row_id uuid not null,
    reason text not null,
    until_date date not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, table_name, row_id)
);
create index on privacy_kept (tenant_id, until_date);
create policy owner_reads on privacy_kept for select to throughline_owner using (true); -- the view of persons

-- Addresses and numbers that were erased, as keyed hashes: to notice that somebody brings them back.
create table privacy_suppressions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    request_id uuid,
    kind text not null check (kind in ('email', 'phone')),
    hash bytea not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, hash)
);

alter table events add redacted_hash bytea;
