-- Accounts stand under one another. What no constraint can say, a trigger does: a row never stands below itself, and
-- no branch is deeper than ten levels.

alter table accounts add parent_id uuid;
alter table accounts add foreign key (tenant_id, parent_id) references accounts (tenant_id, id);
create index on accounts (tenant_id, parent_id);

create function check_account_parent() returns trigger language plpgsql as $$
declare
    most_levels constant int := 10;
    above uuid := new.parent_id;
    levels_above int := 0;
    levels_below int := 0;
begin
    if tg_op = 'UPDATE' and new.parent_id is not distinct from old.parent_id then
        return new;
    end if;
    -- Two changes that are right alone may be a circle together: one tenant's are made one after the other, and each
    -- statement from here on sees what was committed before it.
    perform pg_advisory_xact_lock(hashtext('accounts.parent_id'), hashtext(new.tenant_id::text));
    -- Deleted accounts are looked at too: bringing one back makes no circle either.
    while above is not null and levels_above <= most_levels loop
        if above = new.id then
            raise check_violation using table = 'accounts', constraint = 'accounts_parent_id_check',
                message = 'an account cannot stand below itself', hint = 'is the account itself, or stands below it';
        end if;
        levels_above := levels_above + 1;
        select a.parent_id into above from accounts a where a.tenant_id = new.tenant_id and a.id = above;
    end loop;
    if tg_op = 'UPDATE' then
        with recursive below as (
            select a.id, 1 as level from accounts a where a.tenant_id = new.tenant_id and a.parent_id = new.id
            union all
            select a.id, b.level + 1 from below b
            join accounts a on a.tenant_id = new.tenant_id and a.parent_id = b.id
            where b.level <= most_levels
        )
        select coalesce(max(level), 0) into levels_below from below;
    end if;
    if levels_above + 1 + levels_below > most_levels then
        raise check_violation using table = 'accounts', constraint = 'accounts_parent_id_check',
            message = 'a branch of accounts has ten levels at most',
            hint = 'would make a branch of more than ' || most_levels || ' levels';
    end if;
    return new;
end
$$;

create trigger check_account_parent before insert or update of parent_id on accounts
for each row when (new.parent_id is not null) execute function check_account_parent();

revoke execute on function check_account_parent from public;
