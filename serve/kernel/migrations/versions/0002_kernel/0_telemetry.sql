-- Takes partitions of telemetry out of the table that hold only readings from before `p_until`, all of them landed (written by
-- transactions below `p_landed_xid`). The rows stay under another name for the extraction alone, which still reads them
-- when it reads everything. Late readings of such a month find a new partition. Returns the new names.
create function archive_telemetry(p_until date, p_landed_xid bigint) returns text[]
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    part record;
    is_fresh boolean;
    archive text;
    archives text[] := '{}';
begin
    perform pg_advisory_xact_lock(hashtext('telemetry partitions'));
    set local lock_timeout = '2s'; -- detaching locks the table: rather another time than in anybody's way
    for part in
        select c.relname, (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)'''))[1]::timestamptz as until_at
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'telemetry'::regclass
        order by c.relname
    loop
        continue when part.until_at is null or part.until_at > p_until;
        begin
            execute format('lock table %I in share row exclusive mode', part.relname); -- whoever writes there ends first
            execute format('select exists (select from %I where change_xid >= $1)', part.relname)
            into is_fresh using p_landed_xid;
            continue when is_fresh;
            select format('archived_%s_%s', part.relname, count(*) + 1) into archive
            from pg_class where relname like 'archived\_' || part.relname || '\_%' and relkind = 'r';
            execute format('alter table telemetry detach partition %I', part.relname);
            execute format('alter table %I rename to %I', part.relname, archive);
            execute format('grant select on %I to throughline_extract', archive);
            archives := archives || archive;
        exception when lock_not_available then
            raise notice '% is in use and stays for now', part.relname;
        end;
    end loop;
    return archives;
end
$$;

grant execute on function archive_telemetry to throughline_worker;
