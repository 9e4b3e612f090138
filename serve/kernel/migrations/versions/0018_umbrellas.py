"""Tenants join and leave umbrellas by consent of both."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, run

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
FUNCTIONS = (
    *("umbrella_requests_of_mine", "tell_tenant", "tell_asked_tenant"),
    *("answer_umbrella", "leave_umbrella"),
)
REQUESTS = """
    child_slug text not null,
    message text,
    state text not null default 'pending' check (state in ('pending', 'accepted', 'declined', 'withdrawn')),
    asked_by uuid,
    expires_at timestamptz not null,
    answered_at timestamptz,
    child_id uuid references tenants
"""


def upgrade() -> None:
    create_resource(
        "umbrella_requests", REQUESTS, entity="umbrella_request", unrecorded=("message",), extracted=False
    )
    for file in sorted(SQL.glob("*.sql")):
        run(file.read_text())


def downgrade() -> None:
    for function in FUNCTIONS:
        run(f"drop function {function}")
    run("drop table umbrella_requests cascade")
