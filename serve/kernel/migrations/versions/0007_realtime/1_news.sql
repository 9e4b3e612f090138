-- Changes that people wait for, as events under the names that they know.

-- Another status is news by itself, `campaign.status`. Argument: the entity's name. As with `record_event`, the event of
-- a transaction that had to wait for the row stands behind that of the one it waited for.
create function record_status() returns trigger language plpgsql as $$
begin
    if session_user not in ('throughline_api', 'throughline_worker') and coalesce(current_setting('app.actor', true), '') = '' then
        return null; -- a load by the schema's owner
    end if;
    insert into events (
        tenant_id, name, entity_type, entity_id, before, after, actor_kind, actor_id, request_id, cause_id, change_xid
    )
    select
        new.tenant_id, tg_argv[0] || '.status', tg_argv[0], new.id,
        jsonb_build_object('status', old.status), jsonb_build_object('status', new.status),
        acting.kind, acting.id,
        nullif(current_setting('app.request_id', true), ''),
        nullif(current_setting('app.cause', true), '')::uuid,
        greatest(pg_current_xact_id()::text::bigint, (
            select e.change_xid from events e
            where e.tenant_id = new.tenant_id and e.entity_type = tg_argv[0] and e.entity_id = new.id
                and e.change_xid < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
            order by e.position desc limit 1
        ))
    from acting() acting;
    return null;
end
$$;

-- Somebody has a new notification. The words of it are the person's alone: the event says whose it is and of what kind.
create function record_notifications() returns trigger language plpgsql as $$
begin
    insert into events (
        tenant_id, name, entity_type, entity_id, after, actor_kind, actor_id, request_id, cause_id
    )
    select
        n.tenant_id, 'notification.new', 'notification', n.id,
        jsonb_build_object(
            'user_id', n.user_id, 'kind', n.kind, 'priority', n.priority,
            'entity_type', n.entity_type, 'entity_id', n.entity_id
        ),
        acting.kind, acting.id,
        nullif(current_setting('app.request_id', true), ''),
        n.event_id
    from made n cross join acting() acting;
    return null;
end
$$;

revoke all on function record_status, record_notifications from public;

create trigger record_status after update of status on campaigns
for each row when (old.status is distinct from new.status) execute function record_status('campaign');

create trigger record_notifications after insert on notifications
referencing new table as made for each statement execute function record_notifications();
