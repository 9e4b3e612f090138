"""A lead that nobody has answered has no time of its first answer: ``greatest`` made nothing of it, which is 0 s."""

from serve.kernel.migrations.guards import run

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

TIME = "greatest(extract(epoch from first_replied_at - created_at), 0)"


def upgrade() -> None:
    run(
        "alter table leads alter column first_reply_s"
        f" set expression as (case when first_replied_at is not null then {TIME} end)"
    )


def downgrade() -> None:
    run(f"alter table leads alter column first_reply_s set expression as ({TIME})")
