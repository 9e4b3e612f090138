-- The log-in page is shown in a tenant's look before anybody has logged in.
create policy owner_reads on brand_versions for select to throughline_owner using (true);

-- Everybody may know what is published under a name. Nothing else of the tenant is given away but its id, which the
-- service needs to find the look's pictures; it is never answered.
create function public_brand(p_slug text)
returns table (tenant_id uuid, number integer, content jsonb)
language sql stable security definer set search_path = public, pg_temp as $$
    select v.tenant_id, v.number, v.content
    from tenants t join brand_versions v on v.tenant_id = t.id and v.is_published
    where t.slug = p_slug
$$;
revoke all on function public_brand from public;
grant execute on function public_brand to throughline_api, throughline_worker;
