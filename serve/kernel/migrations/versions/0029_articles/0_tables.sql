create table article_versions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    article_id uuid not null,
    number integer not null,
    title text not null,
    summary text,
    body text not null,
    body_text text not null,
    category text,
    language text not null,
    tags jsonb not null,
    note text,
    published_by uuid,
    restored_from integer,
    is_current boolean not null default true,
    text_config text not null,
    words tsvector not null default ''::tsvector,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    search_text tsvector generated always as (
        to_tsvector(
            'simple'::regconfig,
            coalesce(title, '') || ' ' || coalesce(summary, '') || ' ' || coalesce(body_text, '')
        )
    ) stored,
    unique (tenant_id, id),
    unique (tenant_id, article_id, number),
    foreign key (tenant_id, article_id) references articles (tenant_id, id) on delete cascade
);
create unique index article_versions_current_key on article_versions (tenant_id, article_id) where is_current;

create table article_feedback (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    article_id uuid not null,
    user_id uuid not null,
    is_helpful boolean not null,
    version_number integer not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, article_id, user_id),
    foreign key (tenant_id, article_id) references articles (tenant_id, id) on delete cascade
);
create index on article_feedback (tenant_id, user_id);
