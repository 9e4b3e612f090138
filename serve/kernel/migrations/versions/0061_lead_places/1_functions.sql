-- Coordinates that were found by an address go with it, whoever changes that, and the new one is looked up. Those that
-- somebody gave stay.
create function forget_place() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    new.located_at := null;
    if old.coordinates_source in ('known_place', 'geocoder') then
        new.latitude := null;
        new.longitude := null;
        new.cell := null;
        new.coordinates_source := null;
    end if;
    return new;
end
$$;
revoke all on function forget_place from public;
create trigger forget_place before update of city, postcode, country on leads
for each row when (
    (new.city, new.postcode, new.country) is distinct from (old.city, old.postcode, old.country)
    and (new.latitude, new.longitude) is not distinct from (old.latitude, old.longitude)
) execute function forget_place();

create policy owner_reads on locations for select to throughline_owner using (true);
create policy owner_reads on imports for select to throughline_owner using (true);

-- Tenants at work with leads to look up: ids alone, for the worker's clock. Whoever takes rows in is left alone until
-- that is done, and whoever is being looked after, or whose geocoder rests, until that is over. Where nobody could know
-- anything nothing is looked up: 100,000 leads would be written to for nothing.
create function tenants_with_leads_to_locate(p_moment timestamptz, p_most integer) returns table (tenant_id uuid)
language sql stable security definer set search_path = public, pg_temp set enable_seqscan to off as $$
    select t.id from tenants t
    where t.state = 'active'
        and not exists (
            select from imports i
            where i.tenant_id = t.id and i.status = 'running' and i.created_at > p_moment - interval '1 hour'
        )
        and not exists (
            select from rate_limits r
            where r.key = 'locating:' || t.id and r.full_at_s > extract(epoch from clock_timestamp())
        )
        and (
            exists (select from locations p where p.tenant_id = t.id and p.latitude is not null and p.deleted_at is null)
            or exists (select from leads l where l.tenant_id = t.id and l.latitude is not null and l.deleted_at is null)
            or exists (
                select from settings s
                where s.tenant_id = t.id and s.category = 'geocoding' and s.user_id is null
                    and s.values ->> 'base_url' is not null
            )
        )
        and (
            exists (
                select from leads l
                where l.tenant_id = t.id and l.latitude is null and l.deleted_at is null
                    and (l.city is not null or l.postcode is not null)
                    and (l.located_at is null or l.located_at < (
                        select s.updated_at from settings s
                        where s.tenant_id = t.id and s.category = 'geocoding' and s.user_id is null
                    ))
            )
            or exists (
                select from locations p
                where p.tenant_id = t.id and p.look_again_at is not null and p.deleted_at is null
            )
        )
    limit p_most
$$;
revoke all on function tenants_with_leads_to_locate from public;
grant execute on function tenants_with_leads_to_locate to throughline_worker;
grant execute on function take_rate(text[], double precision[], integer[]) to throughline_worker;
grant execute on function owe_rates(text[], double precision[]) to throughline_worker;
