"""What goes with a mail."""

from serve.kernel.migrations.guards import guard_tenant_table, record_events, run

revision, down_revision, branch_labels, depends_on = "0059", "0058", None, None
PERSONAL = ("to_address", "to_name", "subject", "error")
UNRECORDED = ("text", "html", "attempts", "not_before", "sending_since", "task_id", "logo_id")  # of mails


def upgrade() -> None:
    run("alter table mails add attachments jsonb not null default '[]'")
    guard_tenant_table("mails", extracted=False)
    record_events("mails", entity="mail", personal=PERSONAL, unrecorded=(*UNRECORDED, "attachments"))


def downgrade() -> None:
    run("alter table mails drop attachments cascade")  # with the trigger that names all columns
    guard_tenant_table("mails", extracted=False)
    record_events("mails", entity="mail", personal=PERSONAL, unrecorded=UNRECORDED)
