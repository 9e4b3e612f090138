"""Mails on their way out."""

from serve.kernel.migrations.guards import create_resource, run

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = """
    to_address text not null,
    to_name text,
    from_address text not null,
    from_name text,
    reply_to text,
    subject text not null,
    text text not null,
    html text,
    message_id text not null,
    state text not null default 'queued'
        check (state in ('queued', 'sending', 'sent', 'failed', 'uncertain', 'cancelled')),
    transport text check (transport in ('smtp', 'outbox')),
    attempts integer not null default 0,
    error text,
    not_before timestamptz,
    sending_since timestamptz,
    sent_at timestamptz,
    task_id uuid,
    unique (tenant_id, message_id)
"""
PERSONAL = ("to_address", "to_name", "subject", "error")


def upgrade() -> None:
    create_resource(
        "mails",
        COLUMNS,
        entity="mail",
        personal=PERSONAL,
        search=("to_address", "to_name", "subject"),
        unrecorded=("text", "html", "attempts", "not_before", "sending_since", "task_id"),
        extracted=False,
    )
    run("create index mails_tenant_id_state_idx on mails (tenant_id, state)")


def downgrade() -> None:
    run("drop table mails cascade")
