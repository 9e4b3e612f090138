"""What a token says is of the tenant where its session is at work; who looks with other eyes is asked each time."""

import re
from pathlib import Path

from serve.kernel.migrations.guards import column_names, guard_tenant_table, run, stamp

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
REPLACED = {
    "auth_move_session": "0002_kernel/2_callers.sql",
    "revoke_when_ended": "0009_identity/1_sessions.sql",
    "revoke_when_role_changes": "0009_identity/1_sessions.sql",
    "revoke_when_lowered": "0009_identity/1_sessions.sql",
}


def upgrade() -> None:
    run("alter table impersonations add session_id uuid")
    run("create index on impersonations (session_id)")
    guard_tenant_table("impersonations", extracted=False)
    run((SQL / "1_standings.sql").read_text())


def downgrade() -> None:
    for function, file in REPLACED.items():
        run(definition(function, file).replace("create function", "create or replace function", 1))
    run("drop function auth_standing(uuid)")
    run("drop function standing_role(uuid, uuid, uuid)")
    run(definition("auth_standing", "0009_identity/1_sessions.sql"))
    run("revoke all on function auth_standing from public")
    run("grant execute on function auth_standing to throughline_api")
    run("drop trigger stamp_change on impersonations")
    run("alter table impersonations drop column session_id")
    stamp("impersonations", column_names("impersonations"))


def definition(function: str, file: str) -> str:
    """How an earlier step made the function."""
    found = re.search(rf"create function {function}\(.*?\n\$\$;", (SQL.parent / file).read_text(), re.DOTALL)
    assert found is not None, function
    return found[0]
