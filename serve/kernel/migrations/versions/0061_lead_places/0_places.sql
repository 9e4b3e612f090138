-- Where the coordinates of a lead come from, and when its address was last looked up, found or not.
alter table leads
    add coordinates_source text,
    add located_at timestamptz,
    add constraint leads_coordinates_source_check
        check (coordinates_source in ('given', 'known_place', 'geocoder'));

-- Leads that have an address and lie nowhere: those that wait (never looked up), and those that nobody knew.
create index leads_without_place_idx on leads (tenant_id, located_at, id)
where latitude is null and deleted_at is null and (city is not null or postcode is not null);

-- Because of a new or changed place leads that nobody knew are looked up again.
alter table locations add look_again_at timestamptz;
create index locations_look_again_idx on locations (tenant_id)
where look_again_at is not null and deleted_at is null;

create function look_again() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    new.look_again_at := now();
    return new;
end
$$;
revoke all on function look_again from public;
create trigger look_again
before insert or update of city, postcode, country, latitude, longitude, deleted_at on locations
for each row when (new.latitude is not null and new.deleted_at is null) execute function look_again();

-- What a geocoder has answered, for a day: so no process asks it what another one knows.
create table geocoder_answers (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    question text not null,
    places jsonb not null,
    asked_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, question)
);
create index on geocoder_answers (tenant_id, asked_at);
