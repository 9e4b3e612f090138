create table vehicles (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    registration text not null,
    make text not null,
    model text not null,
    model_year integer not null,
    kind text not null check (kind in ('van', 'truck', 'car', 'machine')),
    fuel text not null check (fuel in ('diesel', 'petrol', 'electric', 'hybrid', 'none')),
    status text not null default 'active' check (status in ('active', 'workshop', 'retired')),
    acquired_date date not null,
    acquisition_cost_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    odometer_km double precision not null,
    zone_id uuid,
    failure_score double precision check (failure_score between 0 and 1),
    failure_reasons jsonb,
    failure_scored_at timestamptz,
    attributes jsonb not null default '{}'::jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, registration),
    unique (tenant_id, id),
    foreign key (tenant_id, zone_id) references zones (tenant_id, id)
);
create index on vehicles (tenant_id, zone_id);

create table telemetry (
    id uuid not null default uuidv7(),
    tenant_id uuid not null,
    vehicle_id uuid not null,
    recorded_at timestamptz not null,
    speed_kmh double precision,
    rpm double precision,
    temperature_c double precision,
    vibration_mm_s double precision,
    pressure_kpa double precision,
    voltage_v double precision,
    fuel_level_pct double precision,
    odometer_km double precision,
    latitude double precision,
    longitude double precision,
    error_code text,
    created_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    primary key (id, recorded_at),
    foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id)
) partition by range (recorded_at);
create index on telemetry (tenant_id, vehicle_id, recorded_at);

create table trips (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    vehicle_id uuid not null,
    provider_id uuid,
    started_at timestamptz not null,
    ended_at timestamptz,
    distance_km double precision not null,
    idle_s double precision not null,
    fuel_l double precision,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id)
);
create index on trips (tenant_id, provider_id);
create index on trips (tenant_id, started_at);
create index on trips (tenant_id, vehicle_id);

create table work_orders (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    vehicle_id uuid not null,
    kind text not null check (kind in ('preventive', 'corrective', 'inspection')),
    component text,
    is_failure boolean not null,
    status text not null default 'open' check (status in ('open', 'in_progress', 'done', 'cancelled')),
    opened_at timestamptz not null,
    started_at timestamptz,
    completed_at timestamptz,
    downtime_h double precision,
    labour_cents bigint not null,
    parts_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    odometer_km double precision,
    description text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id)
);
create index on work_orders (tenant_id, status, opened_at);
create index on work_orders (tenant_id, vehicle_id);

create table fuel_logs (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    vehicle_id uuid not null,
    filled_at timestamptz not null,
    litres double precision not null,
    price_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    odometer_km double precision,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id)
);
create index on fuel_logs (tenant_id, filled_at);
create index on fuel_logs (tenant_id, vehicle_id);

create table compliance_documents (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    vehicle_id uuid,
    provider_id uuid,
    kind text not null check (kind in ('insurance', 'inspection', 'registration', 'licence', 'permit')),
    number text,
    issued_date date not null,
    expires_date date not null,
    status text not null default 'valid' check (status in ('valid', 'expired', 'revoked')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, vehicle_id) references vehicles (tenant_id, id),
    foreign key (tenant_id, provider_id) references providers (tenant_id, id),
    constraint compliance_documents_subject_check check (num_nonnulls(vehicle_id, provider_id) = 1)
);
create index on compliance_documents (tenant_id, expires_date);
create index on compliance_documents (tenant_id, provider_id);
create index on compliance_documents (tenant_id, vehicle_id);
