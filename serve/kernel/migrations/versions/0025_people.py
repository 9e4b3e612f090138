"""Owners, suspensions and links of people: what is decided by one is not undone, or read, by another."""

from pathlib import Path

from serve.kernel.migrations.guards import column_names, run, stamp

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
VERSIONS = Path(__file__).parent
BEFORE = {
    "0009_identity/2_accounts.sql": ("take_account_token",),
    "0013_privacy/1_functions.sql": (
        *("privacy_owned_alone", "privacy_forget_member"),
        "privacy_erase_account",
    ),
    "0015_tenants/1_tenants.sql": ("suspend_tenant", "resume_tenant"),
    "0015_tenants/2_closing.sql": ("erase_people",),
}
"""Where each function that is another one now stands as it was."""


def upgrade() -> None:
    run("alter table tenants add suspended_by_installation boolean not null default false")
    stamp("tenants", column_names("tenants"))
    for file in sorted(SQL.glob("*.sql")):
        run(file.read_text())


def downgrade() -> None:
    run("drop function take_account_token, note_seen_by_tenant, privacy_tenants")
    for file, names in BEFORE.items():
        text = (VERSIONS / file).read_text()
        for name in names:
            begin = text.index(f"create function {name}(")
            run("create or replace" + text[begin + len("create") : text.index("\n$$;\n", begin) + 5])
    run("revoke all on function take_account_token from public")
    run("grant execute on function take_account_token to throughline_api")
    run("drop function blank_account")
    run("drop policy owner_reads on employees")
    run("alter table account_tokens drop column is_seen_by_tenant")
    run("drop trigger stamp_change on tenants")
    run("alter table tenants drop column suspended_by_installation")
    stamp("tenants", column_names("tenants"))
