"""The log of calls with customers."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, run

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
CALLS = """
    direction text not null check (direction in ('inbound', 'outbound')), from_number text, to_number text,
    contact_id uuid, account_id uuid, job_id uuid, user_id uuid references users on delete set null,
    started_at timestamptz not null, duration_s integer not null default 0 check (duration_s >= 0),
    outcome text not null default 'answered'
        check (outcome in ('answered', 'voicemail', 'no_answer', 'busy', 'declined', 'failed')),
    notes text, recording_file_id uuid, transcript text,
    transcript_source text check (transcript_source in ('manual'))
"""


def upgrade() -> None:
    create_resource(
        "calls",
        CALLS,
        entity="call",
        references={"contact_id": "contacts", "account_id": "accounts", "job_id": "jobs"},
        personal=("from_number", "to_number", "notes", "transcript"),
        search=("from_number", "to_number", "notes", "transcript"),
        extracted=False,
    )
    run("create index on calls (tenant_id, started_at)")
    run("create index on calls (tenant_id, user_id, started_at)")
    run((SQL / "0_recordings.sql").read_text())


def downgrade() -> None:
    run("drop table calls cascade")
    run("drop function delete_recording_of_call")
