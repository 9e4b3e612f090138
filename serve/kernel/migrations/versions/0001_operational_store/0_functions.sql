-- What triggers do. Written before the tables, because their bodies are looked up when they first run.

-- UUIDv7 is built into PostgreSQL 18; an older server gets the same: 48 bits of milliseconds, then chance.
do $do$
begin
    if to_regprocedure('pg_catalog.uuidv7()') is null then
        create function uuidv7() returns uuid language sql volatile parallel safe as $$
            select encode(
                set_bit(
                    set_bit(
                        overlay(
                            uuid_send(gen_random_uuid()) placing
                            substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                            from 1 for 6
                        ),
                        52, 1
                    ),
                    53, 1
                ),
                'hex'
            )::uuid
        $$;
    end if;
end
$do$;

-- The row's last writer, for incremental extraction. With an argument the row also has `updated_at`.
create function stamp_change() returns trigger language plpgsql as $$
begin
    new.change_xid := pg_current_xact_id()::text::bigint;
    if tg_nargs > 0 then
        new.updated_at := now();
    end if;
    return new;
end
$$;

-- Deletions, for incremental extraction.
create function leave_tombstones() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_table_name = 'tenants' then
        insert into tombstones (table_name, row_id, tenant_id) select 'tenants', gone.id, gone.id from gone;
    else
        insert into tombstones (table_name, row_id, tenant_id) select tg_table_name, gone.id, gone.tenant_id from gone;
    end if;
    return null;
end
$$;

create function refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'TRUNCATE of % is refused: the warehouse would never learn of it', tg_table_name
        using errcode = 'feature_not_supported', hint = 'DELETE leaves tombstones.';
end
$$;
