"""What keeps tenants apart in the database: what every table must have, and the reviewed exceptions with their reasons.

One truth for the tests of the catalogue and for the report that administrators read (serve/identity/security). A new
table needs nothing here; one that is guarded otherwise, or whose rows a role may see beyond its tenant, stands in one
of these lists with the reason, or the tests fail and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

RUNTIME_ROLES: Final = ("throughline_api", "throughline_worker")
OWNER: Final = "throughline_owner"

OTHERWISE_GUARDED: Final = {
    "memberships": "no rights for runtime roles; reached through security-definer functions",
    "score_batches": "COPY does not work under row security; the worker alone has rights",
    "tombstones": "written by a trigger, read by the extraction",
    "sessions": "rows of a person; no rights for runtime roles; reached through security-definer functions",
    "api_key_hashes": "no rights for runtime roles; reached through security-definer functions",
    "account_tokens": "of people, before they have a tenant; no rights for runtime roles; reached through functions",
    "account_mails": "of people, before they have a tenant; no rights for runtime roles; reached through functions",
    "revocations": "no rights for runtime roles; every process reads all of them through a function",
    "tenant_slugs": "names that no tenant has any more, looked at by a trigger; no rights for runtime roles",
}
"""Tables with a tenant column whose rows are not guarded by the four tenant policies, and why."""

REACHED: Final = {"score_batches": ("throughline_worker",)}
"""Which runtime roles have rights on one of those; on the others none has."""

UNREACHED: Final = (
    *("users", "memberships", "tombstones", "sessions", "refresh_tokens", "api_key_hashes"),
    *("account_tokens", "account_mails", "revocations", "tenant_slugs"),
    *("totp_secrets", "recovery_codes", "passkeys", "passkey_handles", "passkey_challenges"),
)
"""Tables that no runtime role has any right on."""

READ: Final = (
    "(tenant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.tenant_ids'::text, true), ''::text),"
    " ','::text))::uuid[] AS string_to_array)::uuid[]))"
)
WRITE: Final = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
TENANT_POLICIES: Final = {
    "tenant_reads": ("SELECT", READ, None),
    "tenant_inserts": ("INSERT", None, WRITE),
    "tenant_updates": ("UPDATE", WRITE, WRITE),
    "tenant_deletes": ("DELETE", WRITE, None),
}
"""What every tenant table has, as PostgreSQL writes it: name, then (command, rows it applies to, rows it lets in)."""

_PERSONS = "the view persons, which the extraction reads, runs with the owner's rights"
_EVERY_TENANT = "every process keeps the rows of all tenants in memory, read by a function"
_WORDS = "a function tells which words there are in rows of the caller's tenants"
_WORKER = "the worker looks after those of every tenant"

MORE_POLICIES: Final = {
    ("accounts", "owner_reads", OWNER): _PERSONS,
    ("contacts", "owner_reads", OWNER): _PERSONS,
    ("leads", "owner_reads", OWNER): _PERSONS,
    ("providers", "owner_reads", OWNER): _PERSONS,
    (
        "tenants",
        "owner_reads",
        OWNER,
    ): "functions of log-in find a person's tenants before anybody acts for one",
    ("locations", "owner_reads", OWNER): "the worker's clock finds tenants with places that are new",
    ("imports", "owner_reads", OWNER): "the same clock leaves tenants alone that take a file in",
    ("tombstones", "owner_inserts", OWNER): "a trigger notes rows that were deleted",
    ("pipeline_requests", "worker_all", "throughline_worker"): _WORKER,
    ("tasks", "worker_all", "throughline_worker"): _WORKER,
    ("schedules", "worker_all", "throughline_worker"): _WORKER,
    (
        "events",
        "worker_reads",
        "throughline_worker",
    ): "the relay hands the events of every tenant to their readers",
    ("events", "owner_all", OWNER): "functions number, record and check events of every tenant",
    ("event_seals", "worker_reads", "throughline_worker"): "the worker seals the events of every tenant",
    ("event_seals", "owner_all", OWNER): "functions seal and check the events of every tenant",
    ("api_keys", "owner_reads", OWNER): "a function finds whose key a request carries",
    ("api_keys", "owner_updates", OWNER): "a function notes when a key was last used",
    ("settings", "owner_reads", OWNER): "functions of log-in ask how long the tenant lets a session live",
    ("privacy_kept", "owner_reads", OWNER): _PERSONS,
    ("employees", "owner_reads", OWNER): "a function finds every tenant that knows the person who goes",
    ("tenant_limits", "owner_reads", OWNER): _EVERY_TENANT,
    ("api_sunsets", "owner_reads", OWNER): _EVERY_TENANT,
    (
        "elevations",
        "owner_reads",
        OWNER,
    ): "the role of a session that was raised is found before the tenant is known",
    (
        "impersonations",
        "owner_reads",
        OWNER,
    ): "whose eyes a session looks with is found before the tenant is known",
    (
        "sso_connections",
        "owner_reads",
        OWNER,
    ): "whose connection it is, is found before anybody has signed in",
    (
        "sso_domains",
        "owner_reads",
        OWNER,
    ): "which connection a mail domain has is found before the tenant is known",
    ("sso_attempts", "worker_all", "throughline_worker"): _WORKER,
    ("sso_assertions", "worker_all", "throughline_worker"): _WORKER,
    ("roles", "owner_reads", OWNER): "what a role of a tenant allows is found before the caller is known",
    (
        "umbrella_requests",
        "owner_reads",
        OWNER,
    ): "whoever is asked to join an umbrella sees the request, which is a row of that one",
    ("tickets", "owner_reads", OWNER): "a function finds the tickets of every tenant whose time has come",
    (
        "review_turns",
        "owner_all",
        OWNER,
    ): "functions note jobs that are done, and find those of every tenant whose time has come",
    **{
        (table, "owner_reads", OWNER): _WORDS
        for table in (
            *("invoices", "calls", "estimates", "article_versions", "vehicles", "files", "quotes", "notes"),
        )
    },
    ("brand_versions", "owner_reads", OWNER): "the log-in page has a look before anybody has logged in",
}
"""Policies beyond the four, (table, policy, role), and why."""

MORE_RULES: Final = {
    "owner_reads": ("SELECT", "true", None),
    "owner_inserts": ("INSERT", None, "true"),
    "owner_updates": ("UPDATE", "true", None),
    "owner_all": ("ALL", "true", "true"),
    "worker_reads": ("SELECT", "true", None),
    "worker_all": ("ALL", "true", "true"),
}
"""What each of those allows, by its name: (command, rows it applies to, rows it lets in)."""

ROWS_OF_ALL: Final = {
    ("score_batches", "worker"): "COPY does not work under row security; the worker alone has rights",
    ("pipeline_requests", "worker"): "the worker carries out the requests of every tenant",
    ("events", "worker"): "the relay reads the events of every tenant",
    ("event_seals", "worker"): "the worker seals the events of every tenant",
    ("schedules", "worker"): "the worker's clock looks at the schedules of every tenant",
    ("sso_attempts", "worker"): "the worker forgets sign-ins of every tenant that were not finished",
    ("sso_assertions", "worker"): "the worker forgets assertions of every tenant that are over",
    ("tasks", "worker"): "the worker takes over what another one has left, of every tenant",
}
"""What a runtime role may read beyond its tenant, and why."""

OWNERS_VIEWS: Final = {
    "persons": "for the extraction alone: it shows what that role's columns hide, and counts"
}
"""Views that run with the rights of their owner, and why."""

POWERS: Final = {
    "throughline_extract": "copies the rows of all tenants into the warehouse; reads only, and no request runs as it"
}
"""Roles of ours that pass row security, and why."""

TABLES: Final = """
    select c.relname as table_name, c.relrowsecurity as is_enabled, c.relforcerowsecurity as is_forced,
        pg_get_userbyid(c.relowner) as owner,
        coalesce((
            select jsonb_agg(jsonb_build_object(
                'name', p.policyname, 'command', p.cmd, 'using', p.qual, 'check', p.with_check,
                'roles', to_jsonb(p.roles::text[]), 'is_permissive', p.permissive = 'PERMISSIVE'
            ) order by p.policyname)
            from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname
        ), '[]'::jsonb) as policies,
        (select count(*) from pg_inherits i where i.inhparent = c.oid)::integer as partition_count,
        (
            select count(*) from pg_inherits i join pg_class part on part.oid = i.inhrelid
            where i.inhparent = c.oid and part.relacl is not null
        )::integer as open_partition_count,
        (
            select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]'::jsonb) from pg_roles r
            where r.rolname in ('throughline_api', 'throughline_worker') and (
                has_any_column_privilege(r.oid, c.oid, 'select, insert, update')
                or has_table_privilege(r.oid, c.oid, 'delete, truncate')
            )
        ) as reached_by
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and (c.relname = 'tenants' or exists (
            select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        ))
    order by 1
"""
"""Every table with rows of tenants, as the catalogue has it."""

ROLES: Final = """
    select r.rolname as role, r.rolsuper as is_superuser, r.rolbypassrls as passes_row_security,
        r.rolcreaterole or r.rolcreatedb or r.rolreplication as may_make_roles_or_databases,
        (
            (select count(*) from pg_class c where c.relowner = r.oid)
            + (select count(*) from pg_proc f where f.proowner = r.oid)
        )::integer as owned_count,
        (select count(*) from pg_auth_members m where m.member = r.oid or m.roleid = r.oid)::integer as member_count
    from pg_roles r where r.rolname like 'throughline\\_%' order by 1
"""

FUNCTIONS: Final = """
    select f.oid::regprocedure::text as function, pg_get_userbyid(f.proowner) as owner,
        coalesce(array_to_string(f.proconfig, ',') like '%search_path=%pg_temp%', false) as fixes_search_path,
        has_function_privilege('public', f.oid, 'execute') as is_public
    from pg_proc f where f.pronamespace = 'public'::regnamespace and f.prosecdef order by 1
"""
"""Functions that run with the rights of their owner."""

VIEWS: Final = """
    select c.relname as view, coalesce('security_invoker=true' = any (c.reloptions), false) as is_invoker,
        has_table_privilege('throughline_api', c.oid, 'select')
            or has_table_privilege('throughline_worker', c.oid, 'select') as is_reached
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm') order by 1
"""


def table_shortcomings(table: Mapping[str, Any]) -> Iterator[str]:
    """What a row of ``TABLES`` lacks, in words; nothing for one that is as it must be."""
    name = table["table_name"]
    if table["owner"] != OWNER:
        yield f"belongs to {table['owner']}, not to {OWNER}"
    if table["open_partition_count"]:
        yield f"{table['open_partition_count']} partitions have rights of their own, and filter nothing"
    is_apart = name in UNREACHED or name in OTHERWISE_GUARDED
    if is_apart and (more := set(table["reached_by"]) - set(REACHED.get(name, ()))):
        yield f"is not for {', '.join(sorted(more))}, and may be reached"
    if name not in OTHERWISE_GUARDED:
        if not table["is_enabled"]:
            yield "row security is not enabled"
        if not table["is_forced"]:
            yield "row security is not forced: its owner passes it"
    yield from _policy_shortcomings(name, table["policies"])


def _policy_shortcomings(table: str, policies: list[Mapping[str, Any]]) -> Iterator[str]:
    column = "(id =" if table == "tenants" else "(tenant_id ="
    found = {policy["name"]: policy for policy in policies}
    if table not in OTHERWISE_GUARDED:
        for name, (command, using, check) in TENANT_POLICIES.items():
            policy = found.pop(name, None)
            wanted = tuple(part and part.replace("(tenant_id =", column) for part in (using, check))
            if policy is None:
                yield f"lacks the policy {name}"
            elif not _is_rule(policy, (command, *wanted)) or policy["roles"] != ["public"]:
                yield f"the policy {name} is not what it must be"
    for name, policy in found.items():
        if name in MORE_RULES and not _is_rule(policy, MORE_RULES[name]):
            yield f"the policy {name} is not what was reviewed under this name"
        for role in policy["roles"]:
            if (table, name, role) not in MORE_POLICIES:
                yield f"the policy {name} gives {role} more, and nobody has reviewed it"


def _is_rule(policy: Mapping[str, Any], wanted: tuple[str | None, ...]) -> bool:
    said = (policy["command"], policy["using"], policy["check"])
    return bool(policy["is_permissive"]) and said == wanted


def role_shortcomings(role: Mapping[str, Any]) -> Iterator[str]:
    """The same for a row of ``ROLES``."""
    if role["is_superuser"]:
        yield "is a superuser: nothing binds it"
    if role["may_make_roles_or_databases"]:
        yield "may make roles or databases, or copy the whole server"
    if role["passes_row_security"] and role["role"] not in POWERS:
        yield "passes row security"
    if role["member_count"]:
        yield "is a member of another role, or another role of it"
    if role["owned_count"] and role["role"] != OWNER:
        yield f"owns {role['owned_count']} tables or functions, whose guards it could take away"


def function_shortcomings(function: Mapping[str, Any]) -> Iterator[str]:
    """The same for a row of ``FUNCTIONS``."""
    if not function["fixes_search_path"]:
        yield "does not fix its search path: a caller could put other tables in the place of ours"
    if function["is_public"]:
        yield "may be called by everybody"
    if function["owner"] != OWNER:
        yield f"belongs to {function['owner']}, not to {OWNER}"


def view_shortcomings(view: Mapping[str, Any]) -> Iterator[str]:
    """The same for a row of ``VIEWS``."""
    if not view["is_invoker"] and view["view"] not in OWNERS_VIEWS:
        yield "runs with the rights of its owner"
    if not view["is_invoker"] and view["is_reached"]:
        yield "runs with the rights of its owner, and a runtime role may read it"
