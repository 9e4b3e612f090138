"""The warehouse learns how tickets were answered, how leads got on, and of calls, reviews and offers as they were sent."""

from serve.kernel.migrations.guards import guard_tenant_table, run

revision, down_revision, branch_labels, depends_on = "0055", "0054", None, None

SHOWN = {
    "tickets": (
        *("channel", "assignee_id", "closed_at", "reopened_count", "sla_policy_id", "merged_into_id"),
        *("first_reply_due_at", "resolution_due_at", "first_reply_breached_at", "resolution_breached_at"),
        "satisfaction_at",
    ),
    "leads": ("zone_id", "owner_id", "contacted_at", "qualified_at", "converted_at"),
    "lead_activities": ("outcome", "user_id"),
    "quotes": (
        *("deleted_at", "version", "sent_version", "accepted_version", "expires_at", "decided_by"),
        "converted_at",
    ),
}
"""What is shown of tables that were extracted before."""
NEW = {
    "ticket_replies": ("contact_id", "account_id", "body", "mail_id"),
    "ticket_status_changes": (),
    "ticket_escalations": (),
    "sla_policies": ("notify_user_ids", "raises_priority", "reassign_to_id"),
    "calls": (
        *("from_number", "to_number", "notes", "transcript", "transcript_source", "recording_file_id"),
        "transcribed_at",
    ),
    "review_requests": ("message", "comment", "published_on", "cancel_reason", "mail_id"),
    "quote_versions": ("document", "recipient_email", "pdf", "pdf_sha256"),
}
"""Tables that are extracted from here on, and what of them is not shown: words, numbers and addresses."""


def upgrade() -> None:
    for table, columns in SHOWN.items():
        run(f"grant select ({', '.join(columns)}) on {table} to throughline_extract")
    for table, hidden in NEW.items():
        guard_tenant_table(table, hidden=hidden)


def downgrade() -> None:
    for table in NEW:
        run(f"revoke all on {table} from throughline_extract")
        run(f"drop trigger leave_tombstones on {table}")
        run(f"drop trigger refuse_truncate on {table}")
        run(f"drop index {table}_change_xid_idx")
    for table, columns in SHOWN.items():
        run(f"revoke select ({', '.join(columns)}) on {table} from throughline_extract")
