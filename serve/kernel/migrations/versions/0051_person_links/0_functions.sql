-- Everybody that the matching compares, one way to write each. `keys` changes with what is compared and with nothing
-- else; it says nothing of the values to whoever does not know them. Whoever was erased is nobody any more.
create view compared_people with (security_invoker = true) as
with people as (
    select c.tenant_id, 'contact' as kind, c.id, c.full_name, c.email, c.phone, a.company_name as company, a.city,
        a.country
    from contacts c left join accounts a on a.tenant_id = c.tenant_id and a.id = c.account_id and a.deleted_at is null
    where c.deleted_at is null
    union all
    select tenant_id, 'lead', id, full_name, email, phone, company, city, country from leads where deleted_at is null
    union all
    select tenant_id, 'employee', id, full_name, email, phone, null, null, null from employees where deleted_at is null
    union all
    select tenant_id, 'provider', id, full_name, email, phone, null, null, null from providers
    union all
    select m.tenant_id, 'user', u.id, u.full_name, u.email, u.phone, null, null, null
    from memberships m join users u on u.id = m.user_id
)
select p.tenant_id, p.kind, p.id, p.full_name, p.email, p.phone, p.company, p.city, p.country,
    substr(sha256(convert_to(concat_ws(
        chr(31), p.id::text, lower(btrim(coalesce(p.full_name, ''))), lower(btrim(coalesce(p.email, ''))),
        regexp_replace(coalesce(p.phone, ''), '\D', '', 'g'), lower(btrim(coalesce(p.company, ''))),
        lower(btrim(coalesce(p.city, '')))
    ), 'UTF8')), 1, 16) as keys
from people p
where p.full_name <> 'Erased person' or p.email is not null or p.phone is not null;

-- The tenants at work, how many people each has, and whether anything of them has changed since the last matching.
create function match_tenants()
returns table (
    tenant_id uuid, slug text, country text, people_count integer, is_changed boolean, model_version text,
    matched_at timestamptz
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    for match_tenants.tenant_id, match_tenants.slug, match_tenants.country in
        select t.id, t.slug, t.country from tenants t where t.state = 'active' order by t.slug
    loop
        perform set_config('app.tenant_id', match_tenants.tenant_id::text, true),
            set_config('app.tenant_ids', match_tenants.tenant_id::text, true);
        select count(*)::integer, m.digest is distinct from sha256(string_agg(p.keys, '' order by p.kind, p.id)),
            m.model_version, m.matched_at
        into match_tenants.people_count, match_tenants.is_changed, match_tenants.model_version,
            match_tenants.matched_at
        from (select 1) one
        left join person_matchings m on m.tenant_id = match_tenants.tenant_id
        left join compared_people p on p.tenant_id = match_tenants.tenant_id
        where p.id is not null
        group by m.digest, m.model_version, m.matched_at;
        if match_tenants.people_count > 0 then
            return next;
        end if;
    end loop;
    perform set_config('app.tenant_id', '', true), set_config('app.tenant_ids', '', true);
end
$$;

create function match_people(p_tenant uuid)
returns table (kind text, id uuid, full_name text, email text, phone text, company text, city text, country text, keys bytea)
language sql stable security definer set search_path = public, pg_temp as $$
    select p.kind, p.id, p.full_name, p.email, p.phone, p.company, p.city, coalesce(p.country, t.country), p.keys
    from compared_people p join tenants t on t.id = p.tenant_id
    where p.tenant_id = p_tenant
    order by p.kind, p.id
$$;

-- Everything that one matching of a tenant has found takes the place of what the one before had proposed. What a person
-- has decided stays, but a refused pair is proposed again when what is compared is not what it was. A pair of which a
-- row is gone or has changed since it was read is left as it is: the next matching looks anew.
create function keep_person_links(
    p_tenant uuid, p_pairs jsonb, p_model text, p_people_count integer,
    out proposed integer, out changed integer, out withdrawn integer
)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    total integer;
begin
    perform set_config('app.tenant_id', p_tenant::text, true), set_config('app.tenant_ids', p_tenant::text, true),
        pg_advisory_xact_lock(hashtextextended('person links ' || p_tenant, 0));

    with given as materialized (
        select distinct on (g.left_id, g.right_id) g.*
        from jsonb_to_recordset(p_pairs) as g (
            left_kind text, left_id uuid, left_keys text, right_kind text, right_id uuid, right_keys text,
            probability double precision, evidence jsonb
        )
        order by g.left_id, g.right_id, g.probability desc
    ),
    now_there as materialized (select p.kind, p.id, p.keys from compared_people p where p.tenant_id = p_tenant),
    found as (
        select g.*, l.keys || r.keys as keys
        from given g
        join now_there l on l.kind = g.left_kind and l.id = g.left_id and l.keys = decode(g.left_keys, 'hex')
        join now_there r on r.kind = g.right_kind and r.id = g.right_id and r.keys = decode(g.right_keys, 'hex')
        -- What the rows themselves say of each other is no finding.
        where not exists (
            select from employees e where e.tenant_id = p_tenant and e.id in (g.left_id, g.right_id)
                and e.user_id in (g.left_id, g.right_id)
        ) and not exists (
            select from leads e where e.tenant_id = p_tenant and e.id in (g.left_id, g.right_id)
                and e.contact_id in (g.left_id, g.right_id)
        )
    ),
    kept as (
        insert into person_links as k (
            tenant_id, left_kind, left_id, right_kind, right_id, probability, evidence, model_version, found_at, keys
        )
        select p_tenant, f.left_kind, f.left_id, f.right_kind, f.right_id, f.probability, f.evidence, p_model, now(), f.keys
        from found f
        order by f.left_id, f.right_id
        on conflict (tenant_id, left_id, right_id) do update set
            probability = excluded.probability, evidence = excluded.evidence, model_version = excluded.model_version,
            keys = excluded.keys, state = 'proposed', decided_by = null, decided_at = null,
            found_at = case when k.state = 'refused' then excluded.found_at else k.found_at end
        where k.state = 'proposed'
                and (k.probability, k.evidence, k.keys) is distinct from (excluded.probability, excluded.evidence, excluded.keys)
            or k.state = 'refused' and k.keys is distinct from excluded.keys
        returning xmax = 0 as is_new
    )
    select count(*) filter (where is_new), count(*) filter (where not is_new) into proposed, changed from kept;

    delete from person_links k
    where k.tenant_id = p_tenant and k.state = 'proposed' and not exists (
        select from jsonb_to_recordset(p_pairs) as g (left_id uuid, right_id uuid)
        where g.left_id = k.left_id and g.right_id = k.right_id
    );
    get diagnostics withdrawn = row_count;

    select count(*) into total from person_links k where k.tenant_id = p_tenant and k.deleted_at is null;
    insert into person_matchings as m (tenant_id, matched_at, people_count, pair_count, model_version, digest)
    select p_tenant, now(), p_people_count, total, p_model,
        (select sha256(string_agg(p.keys, '' order by p.kind, p.id)) from compared_people p where p.tenant_id = p_tenant)
    on conflict (tenant_id) do update set
        matched_at = excluded.matched_at, people_count = excluded.people_count, pair_count = excluded.pair_count,
        model_version = excluded.model_version, digest = excluded.digest, not_matched_because = null;
end
$$;

-- A tenant that cannot be matched keeps what it had, and is told why.
create function note_not_matched(p_tenant uuid, p_because text, p_model text, p_people_count integer) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    perform set_config('app.tenant_id', p_tenant::text, true), set_config('app.tenant_ids', p_tenant::text, true);
    insert into person_matchings as m
        (tenant_id, matched_at, people_count, pair_count, model_version, not_matched_because)
    select p_tenant, now(), p_people_count, count(k.id), p_model, p_because
    from person_links k where k.tenant_id = p_tenant and k.deleted_at is null
    on conflict (tenant_id) do update set
        matched_at = excluded.matched_at, people_count = excluded.people_count, pair_count = excluded.pair_count,
        model_version = excluded.model_version, digest = null, not_matched_because = excluded.not_matched_because;
end
$$;

-- What a link's two rows are compared by at this moment; null when one of them is gone.
create function person_link_keys(p_link uuid) returns bytea
language sql stable security definer set search_path = public, pg_temp as $$
    select l.keys || r.keys
    from person_links k
    join compared_people l on l.tenant_id = k.tenant_id and l.kind = k.left_kind and l.id = k.left_id
    join compared_people r on r.tenant_id = k.tenant_id and r.kind = k.right_kind and r.id = k.right_id
    where k.id = p_link
$$;

-- How users of the tenants that may be read are called.
create function people_users(p_ids uuid[]) returns table (id uuid, full_name text)
language sql stable security definer set search_path = public, pg_temp as $$
    select distinct u.id, u.full_name from memberships m join users u on u.id = m.user_id
    where u.id = any (p_ids)
        and m.tenant_id = any (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::uuid[])
$$;

-- A row that is deleted takes its links out of every list, and brings them back with it when the other row is there.
-- Whatever is being done to the row is not the link's name for it.
create function person_links_follow() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    event_before text := coalesce(current_setting('app.event', true), '');
begin
    perform set_config('app.event', '', true);
    if new.deleted_at is not null then
        update person_links k set deleted_at = new.deleted_at
        where k.tenant_id = new.tenant_id and k.deleted_at is null
            and (k.left_id = new.id and k.left_kind = tg_argv[0] or k.right_id = new.id and k.right_kind = tg_argv[0]);
    else
        update person_links k set deleted_at = null
        where k.tenant_id = new.tenant_id and k.deleted_at is not null
            and (k.left_id = new.id and k.left_kind = tg_argv[0] or k.right_id = new.id and k.right_kind = tg_argv[0])
            and person_link_keys(k.id) is not null;
    end if;
    perform set_config('app.event', event_before, true);
    return null;
end
$$;

-- Links of a row that is gone for good go too, whoever has taken it away, of whatever tenant.
create function person_links_go() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    gone uuid := (to_jsonb(old) ->> tg_argv[1])::uuid;
    tenant_before text := coalesce(current_setting('app.tenant_id', true), '');
    tenants_before text := coalesce(current_setting('app.tenant_ids', true), '');
    event_before text := coalesce(current_setting('app.event', true), '');
begin
    perform set_config('app.tenant_id', old.tenant_id::text, true), set_config('app.tenant_ids', old.tenant_id::text, true),
        set_config('app.event', '', true);
    delete from person_links k
    where k.tenant_id = old.tenant_id
        and (k.left_id = gone and k.left_kind = tg_argv[0] or k.right_id = gone and k.right_kind = tg_argv[0]);
    perform set_config('app.tenant_id', tenant_before, true), set_config('app.tenant_ids', tenants_before, true),
        set_config('app.event', event_before, true);
    return null;
end
$$;

revoke all on function match_tenants, match_people, keep_person_links, note_not_matched, person_link_keys, people_users
    from public;
revoke all on function person_links_follow, person_links_go from public;
-- The one step that compares people may do that and nothing else: it has rights on no table.
grant execute on function match_tenants, match_people, keep_person_links, note_not_matched to throughline_match;
grant execute on function person_link_keys, people_users to throughline_api, throughline_worker;
