"""People, tenants and sign-in: what the other steps of identity build on."""

import re
from pathlib import Path

from serve.kernel.migrations.guards import (
    column_names,
    create_resource,
    guard_tenant_table,
    record_events,
    run,
    show,
    stamp,
)

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
ROLES = """
    slug text not null,
    name text not null,
    description text,
    permissions jsonb not null default '[]'::jsonb check (jsonb_typeof(permissions) = 'array'),
    unique (tenant_id, slug)
"""
TENANT_TABLES = ("sign_ins", "elevations", "impersonations")
TRIGGERS = {
    "sessions": ("revoke_tokens",),
    "users": ("revoke_tokens",),
    "memberships": ("revoke_tokens_of_changed", "revoke_tokens_of_gone"),
    "api_keys": ("revoke_tokens",),
}
REPLACED = {
    "auth_memberships": "0001_operational_store/8_bridges.sql",
    "tenant_members": "0002_kernel/2_callers.sql",
    "auth_api_key": "0002_kernel/2_callers.sql",
    "auth_renew_session": "0002_kernel/2_callers.sql",
    "auth_change_user": "0002_kernel/2_callers.sql",
    "record_security_event": "0002_kernel/2_callers.sql",
}
FUNCTIONS = (
    *("role_permissions", "auth_session_end", "auth_open_session", "auth_standing", "auth_prove_again"),
    *("revocations_since", "revoke_when_ended", "revoke_when_off", "revoke_when_moved"),
    *("revoke_when_role_changes", "revoke_when_key_changes", "revoke_when_lowered"),
    *("auth_sessions", "auth_revoke_sessions"),
    *("auth_end_impersonation", "auth_profile", "auth_change_profile", "auth_make_user", "auth_verify_email"),
    *("issue_account_token", "take_account_token", "void_account_tokens", "queue_account_mail"),
    *("take_account_mail", "settle_account_mail", "note_sign_in", "forget_account_traces"),
)
BUILT_IN = "('owner', 'admin', 'manager', 'agent', 'technician', 'viewer')"


def upgrade() -> None:
    tables, sessions, accounts = sorted(SQL.glob("*.sql"))
    create_resource("roles", ROLES, entity="role", search=("slug", "name"), extracted=False)
    run(tables.read_text())
    for table in TENANT_TABLES:
        guard_tenant_table(table, extracted=False)
    record_events("elevations", entity="elevation")
    record_events("impersonations", entity="impersonation")
    stamp("users", [column for column in column_names("users") if column != "last_login_at"])
    stamp("memberships", column_names("memberships"))
    show("memberships", hidden=("state",))
    run(sessions.read_text())
    run(accounts.read_text())


def downgrade() -> None:
    for table, triggers in TRIGGERS.items():
        for trigger in triggers:
            run(f"drop trigger {trigger} on {table}")
    run("drop trigger revoke_tokens on roles")
    run("drop trigger revoke_tokens on elevations")
    own = ", ".join(FUNCTIONS)
    run(f"drop function {own}")
    run("alter table sessions drop column impersonation_id, drop column ends_at, drop column authenticated_at")
    run("delete from sessions where kind <> 'web' or ended_because = 'deactivated'")
    run("alter table sessions drop column kind, drop column methods, drop constraint sessions_ended_because_check")
    run("alter table sessions add check (ended_because in ('logout', 'reuse', 'revoked', 'password'))")
    run("drop table roles, revocations, account_tokens, account_mails, sign_ins, elevations, impersonations")
    run(f"delete from memberships where role not in {BUILT_IN} or state <> 'active'")
    for table, columns in {
        "users": ("phone", "job_title", "email_verified_at"),
        "memberships": ("state",),
    }.items():
        run(f"drop trigger stamp_change on {table}")
        for column in columns:
            run(f"alter table {table} drop column {column}")
        stamp(table, [column for column in column_names(table) if column != "last_login_at"])
    show("memberships")
    run(f"alter table memberships add check (role in {BUILT_IN})")
    run("delete from users where password_hash is null")
    run("alter table users alter column password_hash set not null")
    for function, file in REPLACED.items():
        run(definition(function, file).replace("create function", "create or replace function", 1))
    run(definition("auth_open_session", "0002_kernel/2_callers.sql"))
    run("revoke all on function auth_open_session from public")
    run("grant execute on function auth_open_session to throughline_api")


def definition(function: str, file: str) -> str:
    """How an earlier step made the function."""
    found = re.search(rf"create function {function}\(.*?\n\$\$;", (SQL.parent / file).read_text(), re.DOTALL)
    assert found is not None, function
    return found[0]
