-- Accounts of people who belong to nobody any more, whatever still refers to them.
create or replace function erase_people(p_tenant uuid, p_users uuid[]) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    person uuid;
    gone integer := 0;
begin
    perform check_erasable(p_tenant);
    for person in
        select u.id from users u
        where u.id = any (p_users) and not exists (select from memberships m where m.user_id = u.id)
        order by u.id
    loop
        perform blank_account(person);
        gone := gone + 1;
    end loop;
    return gone;
end
$$;
