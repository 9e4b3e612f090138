-- The changes of a statement as events, in one go: what is prepared for each call of a function is prepared once for all
-- its rows. Arguments: the entity's name, its personal columns, columns that nobody reads in a history.
--
-- Personal values never stand in an event as they are. `app.sealed` holds them encrypted, by row; where it does not,
-- the event says only that they changed.
create function record_events() returns trigger language plpgsql as $$
declare
    entity text := tg_argv[0];
    personal text[] := nullif(string_to_array(tg_argv[1], ','), '{}');
    technical text[];
    sealed jsonb;
    said text;
    actor text;
    actor_kind text;
    actor_id uuid;
    request text;
    cause uuid;
begin
    actor := coalesce(current_setting('app.actor', true), '');
    if actor = '' and session_user not in ('throughline_api', 'throughline_worker') then
        return null; -- a load by the schema's owner: the rows' own dates tell what happened
    end if;
    technical := string_to_array('id,tenant_id,updated_at,change_xid,' || tg_argv[2], ',');
    said := nullif(current_setting('app.event', true), '');
    actor_kind := coalesce(nullif(split_part(actor, ':', 1), ''), session_user);
    actor_id := nullif(split_part(actor, ':', 2), '')::uuid;
    request := nullif(current_setting('app.request_id', true), '');
    cause := nullif(current_setting('app.cause', true), '')::uuid;
    if personal is not null then
        sealed := nullif(current_setting('app.sealed', true), '')::jsonb;
    end if;

    if tg_op = 'INSERT' then
        insert into events (
            tenant_id, name, entity_type, entity_id, after, actor_kind, actor_id, request_id, cause_id
        )
        select
            n.tenant_id, coalesce(said, entity || '.created'), entity, n.id,
            case when personal is null then n.plain else sealed_values(n.plain, personal, sealed -> n.id::text -> 'after') end,
            actor_kind, actor_id, request, cause
        from (select m.tenant_id, m.id, to_jsonb(m) - technical as plain from made m) n;
        return null;
    end if;

    -- A transaction with a lower id may have waited for a row until one with a higher id was through with it: its event
    -- stands behind the other's all the same. (Ids of the future are those of a cluster before this one.)
    if tg_op = 'DELETE' then
        insert into events (
            tenant_id, name, entity_type, entity_id, before, actor_kind, actor_id, request_id, cause_id, change_xid
        )
        select
            o.tenant_id, coalesce(said, entity || '.removed'), entity, o.id,
            case when personal is null then o.plain else sealed_values(o.plain, personal, sealed -> o.id::text -> 'before') end,
            actor_kind, actor_id, request, cause,
            greatest(pg_current_xact_id()::text::bigint, last.change_xid)
        from (select g.tenant_id, g.id, to_jsonb(g) - technical as plain from gone g) o
        left join lateral (
            select e.change_xid from events e
            where e.tenant_id = o.tenant_id and e.entity_type = entity and e.entity_id = o.id
                and e.change_xid < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
            order by e.position desc limit 1
        ) last on true;
        return null;
    end if;

    -- Grouped and not joined: the plan is kept, and a join that is quick for one row is not for ten thousand.
    insert into events (
        tenant_id, name, entity_type, entity_id, before, after, actor_kind, actor_id, request_id, cause_id, change_xid
    )
    select
        c.tenant_id,
        coalesce(said, entity || case
            when not d.after ? 'deleted_at' then '.updated'
            when d.after ->> 'deleted_at' is null then '.restored'
            else '.deleted'
        end),
        entity, c.id,
        case when personal is null then d.before else sealed_values(d.before, personal, sealed -> c.id::text -> 'before') end,
        case when personal is null then d.after else sealed_values(d.after, personal, sealed -> c.id::text -> 'after') end,
        actor_kind, actor_id, request, cause,
        greatest(pg_current_xact_id()::text::bigint, last.change_xid)
    from (
        select
            r.id, max(r.place) as place,
            (array_agg(r.tenant_id) filter (where r.place is not null))[1] as tenant_id,
            (array_agg(r.plain) filter (where r.place is null))[1] as old_row,
            (array_agg(r.plain) filter (where r.place is not null))[1] as new_row
        from (
            select o.tenant_id, o.id, to_jsonb(o) - technical as plain, null::bigint as place from gone o
            union all
            select n.tenant_id, n.id, to_jsonb(n) - technical, row_number() over () from made n
        ) r
        group by r.id
    ) c
    cross join lateral (
        select jsonb_object_agg(a.key, c.old_row -> a.key) as before, jsonb_object_agg(a.key, a.value) as after
        from jsonb_each(c.new_row) a
        where a.value is distinct from c.old_row -> a.key
    ) d
    left join lateral (
        select e.change_xid from events e
        where e.tenant_id = c.tenant_id and e.entity_type = entity and e.entity_id = c.id
            and e.change_xid < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        order by e.position desc limit 1
    ) last on true
    where d.after is not null
    order by c.place;
    return null;
end
$$;
revoke all on function record_events from public;
grant execute on function record_events to throughline_api, throughline_worker;
