"""Tags of tickets, an index for whatever they are asked for by, and being told again when one is late again."""

from serve.kernel.migrations.guards import column_names, guard_tenant_table, run, show, stamp

revision, down_revision, branch_labels, depends_on = "0053", "0052", None, None
HIDDEN = (
    *("subject", "number", "description", "channel", "assignee_id", "resolution", "closed_at", "reopened_count"),
    *("sla_policy_id", "first_reply_due_at", "resolution_due_at", "first_reply_breached_at"),
    *("resolution_breached_at", "is_breached", "check_at", "merged_into_id", "satisfaction_comment"),
    "satisfaction_at",
)
"""What of tickets the warehouse did not see before."""
VALUES = ("status", "priority", "channel", "assignee_id", "is_breached")
RANGES = ("opened_at", "updated_at", "first_reply_due_at", "resolution_due_at")


def upgrade() -> None:
    run("alter table tickets add tags text[] not null default '{}'")
    run("create index on tickets using gin (tags)")
    run("drop index tickets_tenant_id_status_opened_at_idx, tickets_tenant_id_assignee_id_status_idx")
    for column in VALUES:
        run(f"create index on tickets (tenant_id, {column}, created_at, id) where deleted_at is null")
    for column in RANGES:
        run(f"create index on tickets (tenant_id, {column}, id) where deleted_at is null")
    run(
        "create trigger keep_tags_of_new before insert on tickets"
        " for each row when (new.tags <> '{}') execute function keep_tags();"
        " create trigger keep_tags before update of tags on tickets"
        " for each row when (new.tags is distinct from old.tags and new.tags <> '{}') execute function keep_tags()"
    )
    guard_tenant_table("tickets", hidden=(*HIDDEN, "tags"), scores=("check_at",))
    run(
        "alter table ticket_escalations add reopened_count integer not null default 0,"
        " drop constraint ticket_escalations_tenant_id_ticket_id_clock_level_key,"
        " add constraint ticket_escalations_told_once unique (tenant_id, ticket_id, clock, level, reopened_count)"
    )
    guard_tenant_table("ticket_escalations", extracted=False)


def downgrade() -> None:
    run("delete from ticket_escalations where reopened_count > 0")
    run("drop trigger stamp_change on ticket_escalations")
    run("alter table ticket_escalations drop column reopened_count, add unique (tenant_id, ticket_id, clock, level)")
    stamp("ticket_escalations", column_names("ticket_escalations"))
    names = [f"tickets_tenant_id_{column}_created_at_id_idx" for column in VALUES]
    names += [f"tickets_tenant_id_{column}_id_idx" for column in RANGES]
    run(f"drop index {', '.join(names)}")
    run("create index on tickets (tenant_id, status, opened_at)")
    run("create index on tickets (tenant_id, assignee_id, status)")
    run("drop trigger keep_tags_of_new on tickets; drop trigger keep_tags on tickets")
    run("drop trigger stamp_change on tickets")
    run("alter table tickets drop column tags")
    stamp("tickets", [column for column in column_names("tickets") if column != "check_at"])
    show("tickets", hidden={*HIDDEN, "external_id", "person_key", "search_text"})
