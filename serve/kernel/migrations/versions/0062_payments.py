"""Invoices and payments become resources: with events, and indexes of what they are asked for by."""

from serve.kernel.migrations.guards import (
    BY_STATEMENT,
    become_resource,
    column_names,
    guard_tenant_table,
    run,
    show,
    stamp,
)

revision, down_revision, branch_labels, depends_on = "0062", "0061", None, None

ENTITIES = {"invoices": "invoice", "payments": "payment"}
NEW = ("external_id", "deleted_at")
# By name: what was there before stays when this one goes.
INDEXES = {
    "invoices_tenant_id_status_created_at_id_idx": "invoices (tenant_id, status, created_at, id)",
    "invoices_tenant_id_due_date_id_idx": "invoices (tenant_id, due_date, id)",
    "payments_tenant_id_status_created_at_id_idx": "payments (tenant_id, status, created_at, id)",
}


def upgrade() -> None:
    for table, entity in ENTITIES.items():
        become_resource(table, entity=entity)
        guard_tenant_table(table)
        # The warehouse learns of `deleted_at` when its contract names it; nothing deletes one yet.
        show(table, hidden=NEW)
    for name, columns in INDEXES.items():
        run(f"create index {name} on {columns} where deleted_at is null")


def downgrade() -> None:
    for name in INDEXES:
        run(f"drop index {name}")
    for table in ENTITIES:
        for trigger in (*BY_STATEMENT, "stamp_change"):
            run(f"drop trigger {trigger} on {table}")
        run(f"drop index {table}_tenant_id_created_at_id_idx")
        for column in NEW:
            run(f"alter table {table} drop column {column}")
        stamp(table, column_names(table))
        show(table)
