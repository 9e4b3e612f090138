alter table leads add assign_at timestamptz;
create index leads_assign_at_idx on leads (assign_at) where assign_at is not null and deleted_at is null;

create table lead_assignment_turns (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    rule_id uuid not null,
    user_id uuid not null,
    last_turn bigint not null,
    assigned_count bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, rule_id, user_id),
    foreign key (tenant_id, rule_id) references lead_assignment_rules (tenant_id, id) on delete cascade
);
