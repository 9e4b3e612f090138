"""Tickets that become one, replies that are written once, and what customers think of it."""

from serve.kernel.migrations.guards import (
    column_names,
    create_resource,
    guard_tenant_table,
    record_events,
    run,
    show,
    stamp,
)

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

HIDDEN = (
    *("subject", "number", "description", "channel", "assignee_id", "resolution", "closed_at", "reopened_count"),
    *("sla_policy_id", "first_reply_due_at", "resolution_due_at", "first_reply_breached_at"),
    *("resolution_breached_at", "is_breached", "check_at"),
)
"""What of tickets the warehouse did not see before."""
PERSONAL = ("subject", "description", "resolution")
COLUMNS = {
    "merged_into_id": "uuid",
    "satisfaction_comment": "text",
    "satisfaction_at": "timestamptz",
}
MERGES = """
create table ticket_merges (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    source_id uuid not null,
    target_id uuid not null,
    reply_ids jsonb not null,
    status text not null check (status in ('open', 'pending', 'resolved', 'closed')),
    resolved_at timestamptz,
    closed_at timestamptz,
    merged_at timestamptz not null,
    undone_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, source_id) references tickets (tenant_id, id) on delete cascade,
    foreign key (tenant_id, target_id) references tickets (tenant_id, id) on delete cascade
)
"""
CANNED = "shortcut text not null, title text not null, body text not null, unique (tenant_id, shortcut)"


def upgrade() -> None:
    for column, kind in COLUMNS.items():
        run(f"alter table tickets add {column} {kind}")
    run("alter table tickets add foreign key (tenant_id, merged_into_id) references tickets (tenant_id, id)")
    run("create index on tickets (tenant_id, merged_into_id)")
    guard_tenant_table("tickets", hidden=(*HIDDEN, *COLUMNS), scores=("check_at",))
    record_events(
        "tickets", entity="ticket", personal=(*PERSONAL, "satisfaction_comment"), unrecorded=("check_at",)
    )
    run(MERGES)
    for column in ("source_id", "target_id"):
        run(f"create index on ticket_merges (tenant_id, {column})")
    guard_tenant_table("ticket_merges", extracted=False)
    create_resource(
        "canned_replies",
        CANNED,
        entity="canned_reply",
        search=("shortcut", "title", "body"),
        extracted=False,
    )


def downgrade() -> None:
    run("drop table canned_replies, ticket_merges")
    record_events("tickets", entity="ticket", personal=PERSONAL, unrecorded=("check_at",))
    run("drop trigger stamp_change on tickets")
    for column in COLUMNS:
        run(f"alter table tickets drop column {column}")
    stamp("tickets", [column for column in column_names("tickets") if column != "check_at"])
    show("tickets", hidden={*HIDDEN, "external_id", "person_key", "search_text"})
