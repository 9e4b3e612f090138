"""A quote, or an estimate, may have a language of its own."""

from serve.kernel.migrations.guards import column_names, guard_tenant_table, run, show, stamp, unseen

revision, down_revision, branch_labels, depends_on = "0064", "0063", None, None


def upgrade() -> None:
    run("alter table quotes add language text")
    guard_tenant_table("quotes", hidden=unseen("quotes"))
    run("alter table estimates add language text")
    guard_tenant_table("estimates", extracted=False)


def downgrade() -> None:
    hidden = {name for name in unseen("quotes") if name != "language"}
    for table in ("quotes", "estimates"):
        run(f"alter table {table} drop column language cascade")
        stamp(table, column_names(table))
    show("quotes", hidden=hidden)
