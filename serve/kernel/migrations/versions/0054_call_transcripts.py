"""Transcripts of calls that a service has written, and when."""

from serve.kernel.migrations.guards import column_names, guard_tenant_table, run, stamp

revision, down_revision, branch_labels, depends_on = "0054", "0053", None, None


def upgrade() -> None:
    run("alter table calls add transcribed_at timestamptz, drop constraint calls_transcript_source_check")
    _sources("'manual', 'provider'")
    guard_tenant_table("calls", extracted=False)


def downgrade() -> None:
    run("update calls set transcript_source = 'manual' where transcript_source = 'provider'")
    run("drop trigger stamp_change on calls")
    run("alter table calls drop column transcribed_at, drop constraint calls_transcript_source_check")
    _sources("'manual'")
    stamp("calls", column_names("calls"))


def _sources(names: str) -> None:
    run(f"alter table calls add constraint calls_transcript_source_check check (transcript_source in ({names}))")
