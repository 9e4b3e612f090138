"""Conditions that are kept by name."""

from serve.kernel.migrations.guards import create_resource, run

revision, down_revision, branch_labels, depends_on = "0048", "0047", None, None
COLUMNS = """
    name text not null, resource text not null check (resource in ('leads', 'contacts', 'accounts')),
    conditions jsonb not null, description text
"""


def upgrade() -> None:
    create_resource("segments", COLUMNS, entity="segment", search=("name", "description"), extracted=False)


def downgrade() -> None:
    run("drop table segments cascade")
