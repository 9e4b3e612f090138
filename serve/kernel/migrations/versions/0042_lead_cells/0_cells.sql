-- The cell (H3, the finest) in which a lead lies. The service writes it with the coordinates, because PostgreSQL cannot
-- reckon it; whoever else changes these takes it away, and a map reckons it when it is asked.
alter table leads add cell bigint;

create function forget_cell() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    new.cell := null;
    return new;
end
$$;
revoke all on function forget_cell from public;
create trigger forget_cell before update of latitude, longitude on leads
for each row when (
    (new.latitude, new.longitude) is distinct from (old.latitude, old.longitude)
    and new.cell is not distinct from old.cell
) execute function forget_cell();

-- What maps ask most, without a look at the rows: where leads are, in which cells, and what they may be worth.
create index leads_on_map on leads (tenant_id, latitude, longitude) include (cell, status, value_cents, currency)
where deleted_at is null and latitude is not null;
create index leads_without_cell on leads (tenant_id, latitude, longitude)
where deleted_at is null and latitude is not null and cell is null;
