-- A plan that was made while a table was empty reads it from end to end until it is analyzed, with each look at it.
alter function tenants_with_leads_to_assign set enable_seqscan to off;
alter function tenants_with_leads_to_score set enable_seqscan to off;

-- As before, only that nothing is read where nothing is to be done: the highest of all ids stands at the end of an index.
create or replace function renumber_events() returns bigint
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    shift bigint;
    boundary bigint;
    moved bigint;
begin
    if coalesce((select max(change_xid) from events), 0) < pg_snapshot_xmax(pg_current_snapshot())::text::bigint then
        return 0;
    end if;
    select max(change_xid), max(position) into shift, boundary
    from events where change_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    update event_readers set after_xid = after_xid - shift, after_position = least(after_position, boundary)
    where after_position <= boundary or after_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    update event_seals set until_xid = until_xid - shift where until_position <= boundary;
    update events set change_xid = change_xid - shift where position <= boundary;
    get diagnostics moved = row_count;
    return moved;
end
$$;

-- How the rows of a table are spread over tenants, looked at by a task that writes very many of one: until then plans are
-- made for a tenant with hardly a row, and read all that it has by now for each of its parts. Where somebody else changes
-- the table or looks at it, that is left to them.
create function spread_anew(p_table text) returns void
language plpgsql volatile security definer set search_path = public, pg_temp set lock_timeout to '200ms' as $$
begin
    if not exists (
        select from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where t.tgname = 'record_created' and c.relname = p_table and c.relnamespace = 'public'::regnamespace
    ) then
        raise exception 'a table whose changes are recorded: %', p_table;
    end if;
    execute format('analyze public.%I (tenant_id)', p_table);
exception when lock_not_available then
    null;
end
$$;
revoke all on function spread_anew from public;
grant execute on function spread_anew to throughline_worker;
