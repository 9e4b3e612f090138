"""How a tenant looks: versions of its white label, and the picture that goes with a mail.

What stood in the settings of the category ``branding`` becomes a draft: nothing was shown in it, so nobody is shown
something new until a person publishes it.
"""

from pathlib import Path

from serve.kernel.migrations.guards import guard_tenant_table, record_events, run

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PERSONAL = ("to_address", "to_name", "subject", "error")
UNRECORDED = ("text", "html", "attempts", "not_before", "sending_since", "task_id")  # of mails

SQL = Path(__file__).with_suffix("")


def upgrade() -> None:
    tables, functions = (path.read_text() for path in sorted(SQL.glob("*.sql")))
    run(tables)
    guard_tenant_table("brand_versions", extracted=False)
    record_events("brand_versions", entity="brand_version", unrecorded=("content",))
    guard_tenant_table("mails", extracted=False)
    record_events("mails", entity="mail", personal=PERSONAL, unrecorded=(*UNRECORDED, "logo_id"))
    run(functions)


def downgrade() -> None:
    run("drop function public_brand(text)")
    run("drop table brand_versions cascade")
    run("alter table mails drop logo_id cascade")  # with the trigger that names all columns
    guard_tenant_table("mails", extracted=False)
    record_events("mails", entity="mail", personal=PERSONAL, unrecorded=UNRECORDED)
