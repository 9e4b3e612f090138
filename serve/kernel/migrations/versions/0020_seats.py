"""What the warehouse reads of identity: attempts to come in, invitations, and who had a seat when."""

from serve.kernel.migrations.guards import guard_tenant_table, run

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

HIDDEN = {
    "sign_ins": ("address", "user_agent"),
    "invitations": (
        *("email", "full_name", "message", "job_title"),
        *("department_id", "manager_id", "employee_id", "invited_by"),
    ),
}
DEVICE = """
    case
        when coalesce(user_agent, '') = '' then null
        when user_agent ~* 'ipad|tablet' or (user_agent ~* 'android' and user_agent !~* 'mobi') then 'tablet'
        when user_agent ~* 'mobi|iphone|android' then 'phone'
        when user_agent ~* 'windows|macintosh|x11|cros' then 'computer'
        else 'other'
    end
"""
SEATS = """
create table seat_changes (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    user_id uuid not null,
    happened_at timestamptz not null,
    role text not null,
    state text not null check (state in ('active', 'suspended', 'gone')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, user_id, happened_at)
);
"""
TRIGGER = """
-- A membership that goes leaves no row behind, and one that changes does not say what it was. What the person is at the
-- end of a transaction is what counts. One that is loaded as suspended was active before, and suspended when it was
-- last changed.
create function note_seat_change() returns trigger
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    caller_id text := coalesce(current_setting('app.tenant_id', true), '');
    caller_ids text := coalesce(current_setting('app.tenant_ids', true), '');
    subject memberships := coalesce(new, old);
    own text := subject.tenant_id::text;
begin
    perform set_config('app.tenant_id', own, true), set_config('app.tenant_ids', own, true);
    insert into seat_changes as s (tenant_id, user_id, happened_at, role, state)
    select subject.tenant_id, subject.user_id, happened_at, subject.role, state
    from (
        values
            (case when tg_op = 'INSERT' then subject.created_at end, 'active'),
            (case when tg_op = 'INSERT' and subject.state <> 'active' then subject.updated_at end, subject.state),
            (case when tg_op = 'UPDATE' then now() end, subject.state),
            (case when tg_op = 'DELETE' then now() end, 'gone')
    ) as v (happened_at, state)
    where happened_at is not null
    on conflict (tenant_id, user_id, happened_at) do update set role = excluded.role, state = excluded.state;
    perform set_config('app.tenant_id', caller_id, true), set_config('app.tenant_ids', caller_ids, true);
    return null;
end
$$;
revoke all on function note_seat_change from public;
create trigger note_seat_change after insert or delete on memberships
    for each row execute function note_seat_change();
create trigger note_changed_seat after update of role, state on memberships
    for each row when ((old.role, old.state) is distinct from (new.role, new.state)) execute function note_seat_change();
"""
KNOWN_SEATS = """
do $$
declare
    member memberships;
begin
    for member in select * from memberships loop
        perform set_config('app.tenant_id', member.tenant_id::text, true);
        insert into seat_changes (tenant_id, user_id, happened_at, role, state)
        values (
            member.tenant_id, member.user_id, member.created_at, member.role,
            case when member.updated_at > member.created_at then 'active' else member.state end
        );
        if member.state <> 'active' and member.updated_at > member.created_at then
            insert into seat_changes (tenant_id, user_id, happened_at, role, state)
            values (member.tenant_id, member.user_id, member.updated_at, member.role, member.state);
        end if;
    end loop;
    perform set_config('app.tenant_id', '', true);
end
$$
"""


def upgrade() -> None:
    run(f"alter table sign_ins add device text generated always as ({DEVICE}) stored")
    for table, hidden in HIDDEN.items():
        guard_tenant_table(table, hidden=hidden)
    run(SEATS)
    guard_tenant_table("seat_changes")
    run(TRIGGER)
    run(KNOWN_SEATS)


def downgrade() -> None:
    for trigger in ("note_seat_change", "note_changed_seat"):
        run(f"drop trigger {trigger} on memberships")
    run("drop function note_seat_change()")
    run("drop table seat_changes")
    for table in HIDDEN:
        run(f"drop trigger leave_tombstones on {table}")
        run(f"drop trigger refuse_truncate on {table}")
        run(f"drop index {table}_change_xid_idx")
        run(f"revoke all on {table} from throughline_extract")
    run("alter table sign_ins drop column device")
