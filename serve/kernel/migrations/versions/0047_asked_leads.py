"""Whatever leads are asked for by has an index."""

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0047", "0046", None, None
VALUES = (
    *("status", "source", "owner_id", "campaign_id", "zone_id", "city", "country", "currency"),
    "consent_email",
)
RANGES = ("score", "value_cents", "updated_at", "full_name", "email", "phone")


def upgrade() -> None:
    for column in VALUES:
        run(f"create index on leads (tenant_id, {column}, created_at, id) where deleted_at is null")
    for column in RANGES:
        run(f"create index on leads (tenant_id, {column}, id) where deleted_at is null")
    run("create index on leads using gin (search_text)")
    run("drop index leads_tenant_id_status_created_at_idx, leads_tenant_id_owner_id_created_at_idx")


def downgrade() -> None:
    run("create index on leads (tenant_id, status, created_at)")
    run("create index on leads (tenant_id, owner_id, created_at)")
    names = [f"leads_tenant_id_{column}_created_at_id_idx" for column in VALUES]
    names += [f"leads_tenant_id_{column}_id_idx" for column in RANGES]
    run(f"drop index leads_search_text_idx, {', '.join(names)}")
