"""What leads become."""

from pathlib import Path

from serve.kernel.migrations.guards import guard_tenant_table, run

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
SCORES = ("score", "score_reasons", "scored_at")
HIDDEN = (
    *("full_name", "email", "phone", "contact_id", "zone_id", "owner_id", "job_title", "website", "city"),
    *("postcode", "country", "latitude", "longitude", "lost_reason", "tags", "consent_email", "first_reply_s"),
    *("contacted_at", "qualified_at"),
)


def upgrade() -> None:
    run((SQL / "0_tables.sql").read_text())
    guard_tenant_table("lead_conversions", extracted=False)
    guard_tenant_table("leads", hidden=(*HIDDEN, "converted_at"), scores=SCORES)


def downgrade() -> None:
    run("drop table lead_conversions")
    run("alter table leads drop column converted_at cascade")
    guard_tenant_table("leads", hidden=HIDDEN, scores=SCORES)
