"""Accounts stand under one another: no circles, ten levels at most."""

from pathlib import Path

from serve.kernel.migrations.guards import guard_tenant_table, run, unseen

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
SCORES = ("churn_score", "churn_reasons", "churn_scored_at")


def upgrade() -> None:
    run((SQL / "0_parents.sql").read_text())
    guard_tenant_table("accounts", hidden=unseen("accounts"), scores=SCORES)


def downgrade() -> None:
    run("drop trigger check_account_parent on accounts; drop function check_account_parent")
    run("alter table accounts drop column parent_id cascade")
    guard_tenant_table("accounts", hidden=unseen("accounts"), scores=SCORES)
