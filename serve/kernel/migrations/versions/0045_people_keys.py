"""Keys by which contacts, leads and accounts are compared when somebody adds another."""

from pathlib import Path

from serve.kernel.migrations.guards import record_events, run

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
PERSON = ("full_name", "email", "phone")
KEYS = {
    "contacts": ("contact", PERSON, ("name_key", "email_key", "phone_key")),
    "leads": ("lead", PERSON, ("name_key", "email_key", "phone_key", "company_key")),
    "accounts": ("account", ("name",), ("company_key",)),
}
BEFORE = {"leads": ("assign_at", "rescore_at", "cell")}
"""What stood in no history before."""


def upgrade() -> None:
    """Rights stay as they are: writers give no computed column, and the extraction sees none of these."""
    run((SQL / "0_keys.sql").read_text())
    for table, (entity, personal, keys) in KEYS.items():
        record_events(table, entity=entity, personal=personal, unrecorded=(*BEFORE.get(table, ()), *keys))


def downgrade() -> None:
    for table, (entity, personal, keys) in KEYS.items():
        run(f"alter table {table} {', '.join(f'drop column {key}' for key in keys)}")
        record_events(table, entity=entity, personal=personal, unrecorded=BEFORE.get(table, ()))
