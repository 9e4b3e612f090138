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
revoke all on function record_event from public;
grant execute on function record_event to throughline_api, throughline_worker;
alter function tenants_with_leads_to_assign reset enable_seqscan;
alter function tenants_with_leads_to_score reset enable_seqscan;
drop function spread_anew;
