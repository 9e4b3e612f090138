"""Consents, retention, exports and erasure of people."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, guard_tenant_table, record_events, run, secure

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
SUBJECTS = "'contact', 'lead', 'provider', 'account', 'user', 'employee'"
PURPOSES = """
    key text not null, name text not null, description text,
    lawful_basis text not null check (lawful_basis in (
        'consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests')),
    is_active boolean not null default true,
    unique (tenant_id, key)
"""
REQUESTS = f"""
    kind text not null check (kind in ('access', 'erasure', 'rectification', 'restriction')),
    status text not null default 'received' check (status in (
        'received', 'verified', 'running', 'done', 'refused', 'failed', 'withdrawn')),
    subject_kind text not null check (subject_kind in ({SUBJECTS}, 'address')),
    subject_id uuid, email text, note text,
    received_at timestamptz not null, due_at timestamptz not null,
    identity_verified_at timestamptz, identity_verified_by uuid, identity_method text,
    decided_at timestamptz, decided_by uuid, decision_reason text,
    task_id uuid, finished_at timestamptz, result jsonb, sealed_identifiers bytea,
    constraint privacy_requests_subject_check check ((subject_kind = 'address') = (subject_id is null))
"""
HOLDS = f"""
    subject_kind text not null check (subject_kind in ({SUBJECTS})),
    subject_id uuid not null, reason text not null, until_date date,
    released_at timestamptz, released_by uuid
"""
RULES = """
    kind text not null, keep_days integer not null check (keep_days between 1 and 36500),
    is_active boolean not null default false, last_run_at timestamptz, last_count integer
"""


def upgrade() -> None:
    create_resource("consent_purposes", PURPOSES, entity="consent_purpose", search=("key", "name"), extracted=False)
    create_resource(
        "privacy_requests",
        REQUESTS,
        entity="privacy_request",
        personal=("email", "note"),
        unrecorded=("result", "sealed_identifiers"),
        extracted=False,
    )
    create_resource("privacy_holds", HOLDS, entity="privacy_hold", extracted=False)
    create_resource(
        "retention_rules",
        RULES,
        entity="retention_rule",
        unrecorded=("last_run_at", "last_count"),
        extracted=False,
    )
    run(
        "create unique index retention_rules_active_key on retention_rules (tenant_id, kind)"
        " where is_active and deleted_at is null"
    )
    run("create index on privacy_requests (tenant_id, subject_kind, subject_id)")
    run("create index on privacy_holds (tenant_id, subject_kind, subject_id)")
    tables, functions, _ = sorted(SQL.glob("*.sql"))
    run(tables.read_text())
    for table in ("consent_texts", "privacy_kept", "privacy_suppressions"):
        guard_tenant_table(table, extracted=False)
    record_events("consent_texts", entity="consent_text", unrecorded=("text",))
    # What somebody agreed to, or took back, is written once.
    secure("consents", tenant_column="tenant_id")
    run("grant select, insert on consents to throughline_api, throughline_worker")
    run("grant update (evidence) on consents to throughline_worker")  # an erased person's
    record_events("consents", entity="consent", unrecorded=("evidence",))
    run("alter table pipeline_requests drop constraint pipeline_requests_kind_check")
    run(
        "alter table pipeline_requests add constraint pipeline_requests_kind_check"
        " check (kind in ('refresh', 'train', 'report', 'erase'))"
    )
    run(functions.read_text())


def downgrade() -> None:
    *_, down = sorted(SQL.glob("*.sql"))
    run(down.read_text())
    run("delete from pipeline_requests where kind = 'erase'")
    run("alter table pipeline_requests drop constraint pipeline_requests_kind_check")
    run(
        "alter table pipeline_requests add constraint pipeline_requests_kind_check"
        " check (kind in ('refresh', 'train', 'report'))"
    )
    for table in ("consents", "consent_texts", "consent_purposes", "privacy_kept", "privacy_suppressions"):
        run(f"drop table {table} cascade")
    run("drop table privacy_requests, privacy_holds, retention_rules cascade")
