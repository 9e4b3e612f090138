"""Answers of the model about leads are kept, and leads that changed are scored anew."""

from pathlib import Path

from serve.kernel.migrations.guards import guard_tenant_table, record_events, run, unseen

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
PERSON = ("full_name", "email", "phone")
SCORES = ("score", "score_reasons", "scored_at", "assign_at")


def upgrade() -> None:
    tables, functions = sorted(SQL.glob("*.sql"))
    run(tables.read_text())
    guard_tenant_table("lead_analyses", extracted=False)
    # That a lead waits is no change of it.
    guard_tenant_table("leads", hidden=unseen("leads"), scores=(*SCORES, "rescore_at"))
    record_events("leads", entity="lead", personal=PERSON, unrecorded=("assign_at", "rescore_at"))
    run(functions.read_text())


def downgrade() -> None:
    run("drop trigger score_changed_activities on lead_activities")
    run("drop trigger score_new on leads; drop trigger score_changed on leads")
    run("drop function score_anew, score_lead_anew, tenants_with_leads_to_score")
    run("drop table lead_analyses")
    run("alter table leads drop column rescore_at cascade")
    record_events("leads", entity="lead", personal=PERSON, unrecorded=("assign_at",))
    guard_tenant_table("leads", hidden=unseen("leads"), scores=SCORES)
