create table article_models (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    number integer not null,
    digest text not null,
    article_count integer not null,
    dimensions integer not null,
    seed integer not null,
    took_s double precision not null,
    content bytea not null,
    vectors bytea not null,
    article_ids jsonb not null default '[]'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, number)
);

create table article_suggestions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    ticket_id uuid,
    asked_by uuid,
    found_count integer not null,
    model_number integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
create index on article_suggestions (tenant_id, ticket_id);
create index on article_suggestions (tenant_id, created_at);

create table article_uses (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    suggestion_id uuid not null,
    article_id uuid not null,
    rank integer not null,
    used_at timestamptz,
    used_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, suggestion_id, article_id),
    foreign key (tenant_id, suggestion_id) references article_suggestions (tenant_id, id) on delete cascade,
    foreign key (tenant_id, article_id) references articles (tenant_id, id) on delete cascade
);
create index on article_uses (tenant_id, article_id);
