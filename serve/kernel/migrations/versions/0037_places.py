"""Places that the tenant names, distances, and leads that belong to one."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from serve.kernel.migrations.guards import column_names, create_resource, guard_tenant_table, run

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
LOCATIONS = """
    name text not null,
    kind text not null default 'other' check (kind in ('area', 'branch', 'depot', 'site', 'supplier', 'other')),
    street text, city text, postcode text, region text, country text,
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    radius_m integer check (radius_m between 1 and 20037508),
    attributes jsonb not null default '{}'
"""
LEAD_SCORES = ("score", "score_reasons", "scored_at")


def upgrade() -> None:
    create_resource(
        "locations",
        LOCATIONS,
        entity="location",
        search=("name", "street", "city", "postcode", "region"),
        extracted=False,
    )
    run("create index on locations (tenant_id, latitude, longitude)")
    hidden = hidden_now("leads")
    run((SQL / "0_places.sql").read_text())
    guard_tenant_table("leads", hidden=(*hidden, "location_id"), scores=LEAD_SCORES)


def downgrade() -> None:
    run("drop trigger refuse_deleted_location on leads")
    hidden = hidden_now("leads")
    run("alter table leads drop column location_id cascade")
    guard_tenant_table("leads", hidden=hidden, scores=LEAD_SCORES)
    run("drop function great_circle_m; drop table locations")


def hidden_now(table: str) -> set[str]:
    """Columns that the extraction role does not read: those of every migration before this one."""
    shown = op.get_bind().execute(
        sa.text(
            "select column_name from information_schema.column_privileges where table_name = :table"
            " and table_schema = 'public' and grantee = 'throughline_extract' and privilege_type = 'SELECT'"
        ),
        {"table": table},
    )
    return set(column_names(table)) - {name for (name,) in shown}
