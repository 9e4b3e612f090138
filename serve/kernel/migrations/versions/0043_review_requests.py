"""Requests for a review."""

from serve.kernel.migrations.guards import create_resource, run

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

COLUMNS = """
    contact_id uuid not null, job_id uuid,
    channel text not null default 'email' check (channel in ('email')),
    status text not null default 'queued'
        check (status in ('queued', 'sent', 'opened', 'answered', 'expired', 'cancelled')),
    send_at timestamptz not null, message text, sent_at timestamptz, opened_at timestamptz, expires_at timestamptz,
    answered_at timestamptz, answered_by text check (answered_by in ('customer', 'staff')),
    rating integer check (rating between 1 and 5), comment text, published_on text,
    cancelled_at timestamptz, cancel_reason text, mail_id uuid
"""


def upgrade() -> None:
    create_resource(
        "review_requests",
        COLUMNS,
        entity="review_request",
        references={"contact_id": "contacts", "job_id": "jobs"},
        personal=("message", "comment"),
        search=("comment",),
        extracted=False,
    )
    run("create index on review_requests (tenant_id, status, created_at)")


def downgrade() -> None:
    run("drop table review_requests cascade")
