"""Tickets become a resource: numbered, answered, and with a history of their status."""

from serve.kernel.migrations.guards import (
    RESOURCE_COLUMNS,
    become_resource,
    column_names,
    create_resource,
    guard_tenant_table,
    run,
    show,
    stamp,
)

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

PERSONAL = ("subject", "description", "resolution")
COLUMNS = {
    "number": "bigint",
    "description": "text",
    "channel": "text check (channel in ('email', 'phone', 'web', 'chat', 'whatsapp', 'portal', 'visit'))",
    "assignee_id": "uuid",
    "resolution": "text",
    "closed_at": "timestamptz",
    "reopened_count": "integer not null default 0",
}
REPLIES = """
    ticket_id uuid not null, kind text not null check (kind in ('public', 'internal')),
    author text not null check (author in ('staff', 'contact')), author_id uuid, contact_id uuid,
    account_id uuid not null, body text not null, mail_id uuid,
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
"""
STATUS_CHANGES = """
create table ticket_status_changes (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    ticket_id uuid not null,
    status text not null check (status in ('open', 'pending', 'resolved', 'closed')),
    changed_at timestamptz not null,
    changed_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
)
"""


def upgrade() -> None:
    for column, kind in COLUMNS.items():
        run(f"alter table tickets add {column} {kind}")
    run("alter table tickets add unique (tenant_id, number)")
    run("create index on tickets (tenant_id, assignee_id, status)")
    become_resource("tickets", entity="ticket", personal=PERSONAL, search=("subject", "description"))
    # What the warehouse does not ask for stays here; its side comes with the figures that need it.
    guard_tenant_table("tickets", hidden=("subject", *COLUMNS))
    create_resource(
        "ticket_replies",
        REPLIES,
        entity="ticket_reply",
        references={"contact_id": "contacts", "account_id": "accounts"},
        personal=("body",),
        unrecorded=("mail_id",),
        extracted=False,
    )
    run("create index on ticket_replies (tenant_id, ticket_id, created_at)")
    run(STATUS_CHANGES)
    run("create index on ticket_status_changes (tenant_id, ticket_id, changed_at)")
    guard_tenant_table("ticket_status_changes", extracted=False)


def downgrade() -> None:
    run("drop table ticket_status_changes, ticket_replies")
    run("drop trigger record_event on tickets")
    run("drop trigger stamp_change on tickets")
    for column in ("search_text", *RESOURCE_COLUMNS[:3], *COLUMNS):
        run(f"alter table tickets drop column {column}")
    run("drop index tickets_tenant_id_created_at_id_idx")
    stamp("tickets", column_names("tickets"))
    show("tickets", hidden=("subject",))
