-- What people prove who they are with, besides their password. The rows belong to people, not tenants; runtime roles reach
-- them through functions alone.

create table totp_secrets (
    user_id uuid primary key references users on delete cascade,
    sealed_secret bytea not null,
    created_at timestamptz not null default now(),
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    last_used_at timestamptz,
    full_at_s double precision not null default 0,
    told_at timestamptz
);

create table recovery_codes (
    user_id uuid not null references users on delete cascade,
    hash bytea not null,
    created_at timestamptz not null default now(),
    used_at timestamptz,
    primary key (user_id, hash)
);

create table passkey_handles (
    user_id uuid primary key references users on delete cascade,
    handle bytea not null,
    unique (handle)
);

create table passkeys (
    id uuid primary key default uuidv7(),
    user_id uuid not null references users on delete cascade,
    credential_id bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    transports text[] not null,
    is_synced boolean not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    unique (credential_id)
);
create index on passkeys (user_id);

create table passkey_challenges (
    hash bytea primary key,
    user_id uuid references users on delete cascade,
    expires_at timestamptz not null
);
create index on passkey_challenges (expires_at);
create index on passkey_challenges (user_id);
