-- Metres along the surface of a round earth (haversine), good to half a percent of the real one; precise for short ways,
-- where the law of cosines is not. Whole in itself, so that it becomes part of the statement that asks it.
create function great_circle_m(
    latitude_a double precision, longitude_a double precision, latitude_b double precision, longitude_b double precision
) returns double precision language sql immutable parallel safe as $$
    -- LEAST passes over what is empty, so that is asked before.
    select case when latitude_a + longitude_a + latitude_b + longitude_b is not null then
        2 * 6371008.8 * asin(least(1, sqrt(
            sin(radians(latitude_b - latitude_a) / 2) ^ 2
            + cos(radians(latitude_a)) * cos(radians(latitude_b)) * sin(radians(longitude_b - longitude_a) / 2) ^ 2
        )))
    end
$$;
revoke all on function great_circle_m from public;
grant execute on function great_circle_m to throughline_api, throughline_worker;

alter table leads
    add location_id uuid,
    add foreign key (tenant_id, location_id) references locations (tenant_id, id);
create index on leads (tenant_id, location_id);

create trigger refuse_deleted_location before insert or update of location_id, deleted_at on leads
for each row when (new.location_id is not null) execute function refuse_deleted_reference('location_id', 'locations');
