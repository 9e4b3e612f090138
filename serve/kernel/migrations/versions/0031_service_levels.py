"""What is promised of tickets: working hours, policies, due times, and what was told of them."""

from serve.kernel.migrations.guards import (
    column_names,
    create_resource,
    guard_tenant_table,
    record_events,
    run,
    show,
    stamp,
)

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

HIDDEN = (
    *("subject", "number", "description", "channel", "assignee_id", "resolution", "closed_at", "reopened_count"),
)
"""What of tickets the warehouse did not see before."""
PERSONAL = ("subject", "description", "resolution")
COLUMNS = {
    "sla_policy_id": "uuid",
    "first_reply_due_at": "timestamptz",
    "resolution_due_at": "timestamptz",
    "first_reply_breached_at": "timestamptz",
    "resolution_breached_at": "timestamptz",
    "is_breached": "boolean generated always as"
    " (first_reply_breached_at is not null or resolution_breached_at is not null) stored",
    "check_at": "timestamptz",
}
PRIORITY = "check (priority in ('low', 'normal', 'high', 'urgent'))"
CALENDARS = """
    name text not null, timezone text not null, hours jsonb not null, country text, subdivision text,
    closed_days jsonb not null default '[]'::jsonb, unique (tenant_id, name)
"""
POLICIES = f"""
    name text not null, position integer not null default 100, is_default boolean not null default false,
    is_active boolean not null default true, priority text {PRIORITY},
    channel text check (channel in ('email', 'phone', 'web', 'chat', 'whatsapp', 'portal', 'visit')),
    segment text check (segment in ('enterprise', 'smb', 'consumer')), calendar_id uuid,
    first_reply_minutes integer, resolution_minutes integer, warn_before_minutes integer,
    notify_user_ids jsonb not null default '[]'::jsonb, raises_priority boolean not null default false,
    reassign_to_id uuid, unique (tenant_id, name)
"""
ESCALATIONS = """
create table ticket_escalations (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    ticket_id uuid not null,
    clock text not null check (clock in ('first_reply', 'resolution')),
    level text not null check (level in ('warning', 'breach')),
    due_at timestamptz not null,
    told_at timestamptz not null,
    told_count integer not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, ticket_id, clock, level),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
)
"""
TO_LOOK_AT = """
-- The tickets of every tenant that is at work whose time has come: ids alone, for the worker's clock.
create function tickets_to_look_at(p_moment timestamptz, p_most integer)
returns table (ticket_id uuid, tenant_id uuid, check_at timestamptz)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.id, t.tenant_id, t.check_at from tickets t
    where t.check_at <= p_moment and t.deleted_at is null
        and t.tenant_id not in (select id from tenants where state <> 'active')
    order by t.check_at limit p_most
$$;
revoke all on function tickets_to_look_at from public;
grant execute on function tickets_to_look_at to throughline_worker;
"""


def upgrade() -> None:
    create_resource(
        "business_calendars", CALENDARS, entity="business_calendar", search=("name",), extracted=False
    )
    create_resource(
        "sla_policies",
        POLICIES,
        entity="sla_policy",
        references={"calendar_id": "business_calendars"},
        search=("name",),
        extracted=False,
    )
    run(
        "create unique index sla_policies_is_default_key on sla_policies (tenant_id)"
        " where is_default and deleted_at is null"
    )
    for column, kind in COLUMNS.items():
        run(f"alter table tickets add {column} {kind}")
    run("alter table tickets add foreign key (tenant_id, sla_policy_id) references sla_policies (tenant_id, id)")
    run("create index on tickets (tenant_id, sla_policy_id)")
    run("create index tickets_check_at_idx on tickets (check_at) where check_at is not null and deleted_at is null")
    # That somebody must look at it is no change of a ticket.
    guard_tenant_table("tickets", hidden=(*HIDDEN, *COLUMNS), scores=("check_at",))
    record_events("tickets", entity="ticket", personal=PERSONAL, unrecorded=("check_at",))
    run("create policy owner_reads on tickets for select to throughline_owner using (true)")
    run(ESCALATIONS)
    guard_tenant_table("ticket_escalations", extracted=False)
    run(TO_LOOK_AT)


def downgrade() -> None:
    run("drop function tickets_to_look_at")
    run("drop table ticket_escalations")
    run("drop policy owner_reads on tickets")
    record_events("tickets", entity="ticket", personal=PERSONAL)
    run("drop trigger stamp_change on tickets")
    for column in ("is_breached", *(name for name in COLUMNS if name != "is_breached")):
        run(f"alter table tickets drop column {column}")
    run("drop table sla_policies, business_calendars")
    stamp("tickets", column_names("tickets"))
    show("tickets", hidden={*HIDDEN, "external_id", "person_key", "search_text"})
