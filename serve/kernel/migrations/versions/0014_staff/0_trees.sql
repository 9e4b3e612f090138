-- Nobody is above themselves. The argument is the column that names the row above. One change of a tenant's tree at a time:
-- two that cross would each see the other's old place.
create function refuse_circle() returns trigger language plpgsql set search_path = public, pg_temp as $$
declare
    above uuid := (to_jsonb(new) ->> tg_argv[0])::uuid;
    is_circle boolean;
begin
    if above is null or new.deleted_at is not null then
        return new;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tree ' || tg_table_name || new.tenant_id, 0));
    execute format(
        'with recursive above as ('
        '  select t.id, t.%1$I as next from %2$I t where t.id = $1'
        '  union select t.id, t.%1$I from above a join %2$I t on t.id = a.next'
        ') select exists (select from above where id = $2)',
        tg_argv[0], tg_table_name
    ) into is_circle using above, new.id;
    if is_circle then
        raise exception 'a circle in %', tg_table_name using
            errcode = 'check_violation', table = tg_table_name,
            constraint = tg_table_name || '_' || tg_argv[0] || '_check',
            hint = 'leads back to the row itself';
    end if;
    return new;
end
$$;

-- Nothing begins to refer to a row that was deleted. Arguments: a column and the table that it refers to, in turns. The lock
-- is the one that the foreign key takes anyway; whoever deletes a row holds one that excludes it.
create function refuse_deleted_reference() returns trigger language plpgsql set search_path = public, pg_temp as $$
declare
    target uuid;
    is_there boolean;
begin
    for n in 0 .. tg_nargs / 2 - 1 loop
        target := (to_jsonb(new) ->> tg_argv[2 * n])::uuid;
        continue when target is null or new.deleted_at is not null;
        execute format(
            'select true from %I t where t.id = $1 and t.tenant_id = $2 and t.deleted_at is null for key share',
            tg_argv[2 * n + 1]
        ) into is_there using target, new.tenant_id;
        if is_there is null then
            raise exception 'there is no such row of %', tg_argv[2 * n + 1] using
                errcode = 'foreign_key_violation', table = tg_table_name,
                constraint = tg_table_name || '_tenant_id_' || tg_argv[2 * n] || '_fkey';
        end if;
    end loop;
    return new;
end
$$;
revoke all on function refuse_circle, refuse_deleted_reference from public;
grant execute on function refuse_circle, refuse_deleted_reference to throughline_api, throughline_worker;

create trigger refuse_circle before insert or update of parent_id, deleted_at on departments
    for each row execute function refuse_circle('parent_id');
create trigger refuse_deleted_reference before insert or update of parent_id, head_id, deleted_at on departments
    for each row execute function refuse_deleted_reference('parent_id', 'departments', 'head_id', 'employees');
create trigger refuse_circle before insert or update of manager_id, deleted_at on employees
    for each row execute function refuse_circle('manager_id');
create trigger refuse_deleted_reference before insert or update of manager_id, department_id, deleted_at on employees
    for each row execute function refuse_deleted_reference('manager_id', 'employees', 'department_id', 'departments');
