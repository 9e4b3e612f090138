-- What happened, once each, in the transaction that did it. Nobody who serves may change or remove a line. The order is
-- (change_xid, position): nothing can appear any more below the oldest transaction that still runs.
-- The tenant is the one that row security asks for, and the changed row refers to it: a reference of the event's own would
-- look the tenant up, and lock it, once more with every change.
create table events (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null,
    position bigint generated always as identity,
    name text not null,
    category text not null default 'change' check (category in ('change', 'read', 'security')),
    entity_type text not null,
    entity_id uuid,
    before jsonb,
    after jsonb,
    actor_kind text not null,
    actor_id uuid,
    request_id text,
    cause_id uuid,
    happened_at timestamptz not null default clock_timestamp(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint
);
create index on events (tenant_id, change_xid, position);
create index on events (tenant_id, entity_type, entity_id, position);
create index on events (tenant_id, happened_at);
create index on events (tenant_id, actor_id, happened_at);
create index events_apart_idx on events (tenant_id, category, happened_at) where category <> 'change';
create index on events (change_xid, position); -- all tenants in order, for the relay

-- Batches of events in the order of the change feed, each sealed with the hash of the one before it.
create table event_seals (
    tenant_id uuid not null references tenants,
    number integer not null check (number > 0),
    until_xid bigint not null,
    until_position bigint not null,
    event_count integer not null check (event_count > 0),
    previous_hash bytea not null,
    hash bytea not null,
    sealed_at timestamptz not null default now(),
    primary key (tenant_id, number)
);

-- How far each reader of the events of all tenants has got.
create table event_readers (
    name text primary key,
    after_xid bigint not null,
    after_position bigint not null,
    moved_at timestamptz not null default now()
);

-- Whoever acts: `user:<id>`, `api_key:<id>` or a word; the database's own role where nobody said.
create function acting(out kind text, out id uuid) language plpgsql stable as $$
declare
    said text := nullif(current_setting('app.actor', true), '');
begin
    if said is null then
        kind := session_user;
    else
        kind := split_part(said, ':', 1);
        id := nullif(split_part(said, ':', 2), '')::uuid;
    end if;
end
$$;

-- What an event says of a row: personal values only as they were sealed, or that there were some.
create function sealed_values(plain jsonb, personal text[], sealed jsonb) returns jsonb language sql immutable as $$
    select coalesce(jsonb_object_agg(key, case
        when key = any (personal) and value <> 'null'
        then coalesce(sealed -> key, '{"sealed": null}') else value end), '{}')
    from jsonb_each(plain)
$$;

-- A change of a row as an event: what changed, before and after. Arguments: the entity's name, its personal columns,
-- columns that nobody reads in a history.
--
-- Personal values never stand in an event as they are. `app.sealed` holds them encrypted, by row; where it does not,
-- the event says only that they changed.
--
-- A new row has a way of its own: every expression of a function is prepared again in each transaction, so few of them
-- cost less (measured).
create function record_event() returns trigger language plpgsql as $$
declare
    entity text;
    personal text[];
    technical text[];
    old_row jsonb;
    new_row jsonb;
    changed text[];
    verb text;
    sealed jsonb;
    actor record;
    subject record;
    last_xid bigint;
begin
    if session_user not in ('throughline_api', 'throughline_worker') and coalesce(current_setting('app.actor', true), '') = '' then
        return null; -- a load by the schema's owner: the rows' own dates tell what happened
    end if;
    if tg_op = 'INSERT' then
        insert into events (
            tenant_id, name, entity_type, entity_id, after, actor_kind, actor_id, request_id, cause_id
        )
        select
            new.tenant_id,
            coalesce(nullif(current_setting('app.event', true), ''), tg_argv[0] || '.created'),
            tg_argv[0], new.id,
            case when tg_argv[1] = '' then made.plain else sealed_values(
                made.plain, string_to_array(tg_argv[1], ','),
                nullif(current_setting('app.sealed', true), '')::jsonb -> new.id::text -> 'after'
            ) end,
            coalesce(nullif(split_part(made.actor, ':', 1), ''), session_user),
            nullif(split_part(made.actor, ':', 2), '')::uuid,
            nullif(current_setting('app.request_id', true), ''),
            nullif(current_setting('app.cause', true), '')::uuid
        from (
            select
                to_jsonb(new) - string_to_array('id,tenant_id,updated_at,change_xid,' || tg_argv[2], ',') as plain,
                current_setting('app.actor', true) as actor
        ) made;
        return null;
    end if;
    entity := tg_argv[0];
    personal := string_to_array(tg_argv[1], ',');
    technical := string_to_array('id,tenant_id,updated_at,change_xid,' || tg_argv[2], ',');
    old_row := to_jsonb(old) - technical;
    new_row := '{}';
    subject := old;
    verb := 'removed';
    if tg_op = 'UPDATE' then
        new_row := to_jsonb(new) - technical;
        subject := new;
        select array_agg(key) into changed from jsonb_each(new_row) where value is distinct from old_row -> key;
        if changed is null then
            return null;
        end if;
        verb := case
            when not 'deleted_at' = any (changed) then 'updated'
            when new_row ->> 'deleted_at' is null then 'restored'
            else 'deleted'
        end;
        select jsonb_object_agg(key, value) into old_row from jsonb_each(old_row) where key = any (changed);
        select jsonb_object_agg(key, value) into new_row from jsonb_each(new_row) where key = any (changed);
    end if;
    if cardinality(personal) > 0 then
        sealed := nullif(current_setting('app.sealed', true), '')::jsonb -> subject.id::text;
        old_row := sealed_values(old_row, personal, sealed -> 'before');
        new_row := sealed_values(new_row, personal, sealed -> 'after');
    end if;
    -- A transaction with a lower id may have waited for this row until one with a higher id was through with it:
    -- its event stands behind the other's all the same. (Ids of the future are those of a cluster before this one.)
    select e.change_xid into last_xid from events e
    where e.tenant_id = subject.tenant_id and e.entity_type = entity and e.entity_id = subject.id
        and e.change_xid < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    order by e.position desc limit 1;
    actor := acting();
    insert into events (
        tenant_id, name, entity_type, entity_id, before, after, actor_kind, actor_id, request_id, cause_id, change_xid
    )
    values (
        subject.tenant_id,
        coalesce(nullif(current_setting('app.event', true), ''), entity || '.' || verb),
        entity, subject.id, old_row,
        case when tg_op = 'DELETE' then null else new_row end,
        actor.kind, actor.id,
        nullif(current_setting('app.request_id', true), ''),
        nullif(current_setting('app.cause', true), '')::uuid,
        greatest(pg_current_xact_id()::text::bigint, last_xid)
    );
    return null;
end
$$;
