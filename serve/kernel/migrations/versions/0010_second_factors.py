"""One-time codes, recovery codes and passkeys."""

from pathlib import Path

from serve.kernel.migrations.guards import run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
TABLES = ("passkey_challenges", "passkeys", "passkey_handles", "recovery_codes", "totp_secrets")
FUNCTIONS = (
    "auth_second_factors(uuid)",
    "auth_begin_totp(uuid, bytea)",
    "auth_totp(uuid)",
    "auth_totp_tried(uuid, bigint, double precision, boolean)",
    "auth_drop_totp(uuid)",
    "auth_keep_recovery_codes(uuid, bytea[])",
    "auth_spend_recovery_code(uuid, bytea)",
    "auth_passkey_handle(uuid, bytea)",
    "auth_keep_challenge(bytea, uuid, interval)",
    "auth_spend_challenge(bytea)",
    "auth_passkeys(uuid)",
    "auth_keep_passkey(uuid, bytea, bytea, bigint, text, text[], boolean)",
    "auth_passkey(bytea)",
    "auth_passkey_used(uuid, bigint, boolean)",
    "auth_rename_passkey(uuid, uuid, text)",
    "auth_drop_passkey(uuid, uuid)",
    "reset_second_factors(uuid)",
    "auth_second_factor_demand(uuid)",
    "forget_challenges()",
)


def upgrade() -> None:
    for part in sorted(SQL.glob("*.sql")):
        run(part.read_text())


def downgrade() -> None:
    for function in FUNCTIONS:
        run(f"drop function {function}")
    for table in TABLES:
        run(f"drop table {table}")
