-- The tags of a row as the vocabulary writes them, each once; new ones become part of it.
create function keep_tags() returns trigger language plpgsql set search_path = public, pg_temp as $$
declare
    caller_event text := coalesce(current_setting('app.event', true), '');
begin
    -- What the statement itself is called is not what the tag is called.
    perform set_config('app.event', '', true);
    insert into tags (tenant_id, name)
    select new.tenant_id, min(btrim(given.word)) from unnest(new.tags) as given(word)
    where btrim(given.word) <> '' and not exists (
        select from tags t
        where t.tenant_id = new.tenant_id and lower(t.name) = lower(btrim(given.word)) and t.deleted_at is null
    )
    group by lower(btrim(given.word))
    order by lower(btrim(given.word)) -- in one order, so that two who name the same new tags wait and do not block
    on conflict do nothing;
    perform set_config('app.event', caller_event, true);
    select coalesce(array_agg(known.name order by known.place), '{}') into new.tags
    from (
        select t.name, min(given.place) as place
        from unnest(new.tags) with ordinality as given(word, place)
        join tags t on t.tenant_id = new.tenant_id and lower(t.name) = lower(btrim(given.word)) and t.deleted_at is null
        group by t.name
    ) known;
    return new;
end
$$;

create trigger keep_tags_of_new before insert on leads
for each row when (new.tags <> '{}') execute function keep_tags();
create trigger keep_tags before update of tags on leads
for each row when (new.tags is distinct from old.tags and new.tags <> '{}') execute function keep_tags();
create trigger keep_tags_of_new before insert on contacts
for each row when (new.tags <> '{}') execute function keep_tags();
create trigger keep_tags before update of tags on contacts
for each row when (new.tags is distinct from old.tags and new.tags <> '{}') execute function keep_tags();
create trigger keep_tags_of_new before insert on accounts
for each row when (new.tags <> '{}') execute function keep_tags();
create trigger keep_tags before update of tags on accounts
for each row when (new.tags is distinct from old.tags and new.tags <> '{}') execute function keep_tags();

-- Whoever works on a lead is one of the tenant's people. Membership is not a table that a runtime role reads.
create function refuse_strangers_as_owners() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    if not exists (select from memberships m where m.tenant_id = new.tenant_id and m.user_id = new.owner_id) then
        raise foreign_key_violation using
            message = 'nobody of the tenant', table = tg_table_name, constraint = tg_table_name || '_owner_id_fkey';
    end if;
    return new;
end
$$;
revoke all on function refuse_strangers_as_owners from public;

create trigger refuse_strangers_as_new_owners before insert on leads
for each row when (new.owner_id is not null) execute function refuse_strangers_as_owners();
create trigger refuse_strangers_as_owners before update of owner_id on leads
for each row when (new.owner_id is not null and new.owner_id is distinct from old.owner_id)
execute function refuse_strangers_as_owners();

-- Amounts of a lead are in the tenant's own currency unless said.
create function fill_currency() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    select t.currency into new.currency from tenants t where t.id = new.tenant_id;
    return new;
end
$$;
revoke all on function fill_currency from public;

create trigger fill_currency before insert or update of currency on leads
for each row when (new.currency is null) execute function fill_currency();
revoke all on function keep_tags from public;

create trigger refuse_deleted_reference before insert or update of account_id, contact_id, deleted_at on leads
for each row when (new.account_id is not null or new.contact_id is not null)
execute function refuse_deleted_reference('account_id', 'accounts', 'contact_id', 'contacts');
