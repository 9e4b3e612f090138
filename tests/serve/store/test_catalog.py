"""What the database's own catalogue says about tenancy and rights: no table may be forgotten."""

from __future__ import annotations

import pytest

from serve.kernel import isolation
from serve.kernel.isolation import MORE_POLICIES, OTHERWISE_GUARDED, TENANT_POLICIES, UNREACHED
from serve.kernel.tables import all_tables

HISTORY = {
    "consents",
    "events",
    "event_seals",
    "idempotency_keys",
    "task_steps",
}  # written once: nothing to stamp
OWN = {
    "api_keys",
    "api_sunsets",
    "beta_users",
    "control_attestations",
    "elevations",
    "lead_assignment_rules",
    "lead_assignment_turns",
    "lead_analyses",
    "lead_conversions",
    "notes",
    "tags",
    "departments",
    "employees",
    "estimates",
    "number_series",
    "articles",
    "segments",
    "article_feedback",
    "article_versions",
    "article_models",
    "article_suggestions",
    "article_uses",
    "locations",
    "geocoder_answers",
    "merges",
    "merge_moves",
    "person_links",
    "person_matchings",
    "brand_versions",
    "consent_purposes",
    "consent_texts",
    "experiments",
    "flag_exposures",
    "flag_feedback",
    "flag_segments",
    "flag_uses",
    "flags",
    "impersonations",
    "mails",
    "notifications",
    "settings",
    "imports",
    "import_leftovers",
    "import_rejects",
    "isolation_checks",
    "roles",
    "files",
    "pipeline_requests",
    "privacy_holds",
    "privacy_kept",
    "privacy_requests",
    "privacy_suppressions",
    "retention_rules",
    "tasks",
    "business_calendars",
    "canned_replies",
    "review_turns",
    "ticket_merges",
    "tenant_closings",
    "tenant_limits",
    "threats",
    "umbrella_requests",
    "schedules",
    "sso_assertions",
    "sso_attempts",
    "sso_connections",
    "sso_domains",
    "sso_identities",
    "schedule_runs",
}  # no business of the warehouse
QUOTES_SHOWN = {
    *(
        "id",
        "tenant_id",
        "account_id",
        "job_id",
        "status",
        "total_cents",
        "currency",
        "sent_at",
        "decided_at",
    ),
    *("created_at", "updated_at", "change_xid", "deleted_at", "converted_at"),
    *("version", "sent_version", "accepted_version", "expires_at", "decided_by"),
}
HIDDEN_FROM_EXTRACTION = {
    *(
        f"{table}.{column}"
        for table in ("contacts", "leads", "providers")
        for column in ("full_name", "email", "phone")
    ),
    *("accounts.name", "accounts.churn_score", "accounts.churn_reasons", "accounts.churn_scored_at"),
    *("leads.score", "leads.score_reasons", "leads.scored_at"),
    *("vehicles.failure_score", "vehicles.failure_reasons", "vehicles.failure_scored_at"),
    *("tickets.subject", "work_orders.description", "compliance_documents.number"),
    *(f"tickets.{column}" for column in ("number", "description", "resolution", "is_breached", "check_at")),
    "tickets.satisfaction_comment",
    *(f"ticket_replies.{column}" for column in ("contact_id", "account_id", "body", "mail_id")),
    *(f"calls.{side}_number" for side in ("from", "to")),
    *(f"calls.{column}" for column in ("notes", "transcript", "transcript_source", "recording_file_id")),
    *(f"review_requests.{column}" for column in ("message", "comment", "published_on", "cancel_reason")),
    "review_requests.mail_id",
    *(f"sla_policies.{column}" for column in ("notify_user_ids", "raises_priority", "reassign_to_id")),
    *(f"quote_versions.{column}" for column in ("document", "recipient_email", "pdf", "pdf_sha256")),
    *(
        f"{table}.{column}"
        for table in ("ticket_replies", "calls", "review_requests")
        for column in ("external_id", "person_key")
    ),
    *(f"{table}.search_text" for table in ("calls", "review_requests", "sla_policies")),
    "sla_policies.external_id",
    "tickets.tags",
    "calls.transcribed_at",
    *(f"{table}.{column}" for table in ("invoices", "payments") for column in ("external_id", "deleted_at")),
    "invoices.search_text",
    *(f"tickets.{column}" for column in ("external_id", "search_text", "person_key")),
    *(
        f"{table}.{column}"
        for table in ("accounts", "contacts", "leads", "vehicles")
        for column in ("external_id", "search_text")
    ),
    *(f"{table}.person_key" for table in ("accounts", "contacts", "leads", "lead_activities")),
    *("accounts.tags", "accounts.parent_id", "contacts.tags", "memberships.state"),
    *(f"{table}.{key}" for table in ("contacts", "leads") for key in ("name_key", "email_key", "phone_key")),
    *("leads.company_key", "accounts.company_key"),
    *(f"leads.{column}" for column in ("contact_id", "job_title", "website", "city")),
    *(
        f"leads.{column}"
        for column in ("postcode", "country", "latitude", "longitude", "lost_reason", "tags")
    ),
    *(f"leads.{column}" for column in ("consent_email", "first_reply_s", "location_id")),
    *("leads.assign_at", "leads.rescore_at", "leads.cell", "leads.coordinates_source", "leads.located_at"),
    *(f"lead_activities.{column}" for column in ("external_id", "summary")),
    *("tenants.state", "tenants.suspended_at", "tenants.suspended_because", "tenants.closing_since"),
    *("tenants.erase_after", "tenants.closed_at", "tenants.awaiting_owner_since"),
    "tenants.suspended_by_installation",
    *("sign_ins.address", "sign_ins.user_agent"),
    *(f"invitations.{column}" for column in ("email", "full_name", "message", "job_title", "external_id")),
    *(f"invitations.{column}" for column in ("department_id", "manager_id", "employee_id", "invited_by")),
    *("invitations.person_key", "invitations.search_text"),
    *(
        f"quotes.{column.name}"
        for column in all_tables().tables["quotes"].columns
        if column.name not in QUOTES_SHOWN
    ),
}
GUARDED = (
    "select c.relname, c.relrowsecurity, c.relforcerowsecurity from pg_class c"
    " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
    " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
)


@pytest.fixture(scope="module")
def catalog(pg):
    """Ask the migrated template: these tests change nothing."""
    import psycopg

    with psycopg.connect(pg.url("super"), autocommit=True) as connection:
        yield lambda query, *values: connection.execute(query, values or None).fetchall()


@pytest.fixture
def asked(pg):
    """Rows by the names of their columns."""
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(pg.url("super"), autocommit=True, row_factory=dict_row) as connection:
        yield lambda query: connection.execute(query).fetchall()


def tenant_tables(catalog) -> set[str]:
    return {table for table, *_ in catalog(GUARDED)} - OTHERWISE_GUARDED.keys()


class TestRowSecurity:
    def test_every_tenant_table_enables_and_forces_it(self, catalog):
        unguarded = OTHERWISE_GUARDED.keys() - {"tombstones"}
        tables = [row for row in catalog(GUARDED) if row[0] not in unguarded]
        assert len(tables) >= 28
        assert [table for table, enabled, forced in tables if not (enabled and forced)] == []
        assert catalog(
            "select relrowsecurity and relforcerowsecurity from pg_class where oid = 'tenants'::regclass"
        ) == [(True,)]

    def test_every_tenant_table_reads_any_of_the_tenants_and_writes_only_as_one(self, catalog):
        found: dict[str, set] = {}
        for table, command, using, check in catalog(
            "select tablename, cmd, qual, with_check from pg_policies where policyname like 'tenant_%'"
        ):
            found.setdefault(table, set()).add((command, using, check))
        assert found.keys() == tenant_tables(catalog) | {"tenants"}
        wanted = set(TENANT_POLICIES.values())
        own = {tuple(part and part.replace("(tenant_id =", "(id =") for part in rule) for rule in wanted}
        assert found.pop("tenants") == own
        assert {table: rules for table, rules in found.items() if rules != wanted} == {}

    def test_only_the_reviewed_policies_give_more(self, catalog):
        more = catalog(
            "select tablename, policyname, role, cmd, qual, with_check from pg_policies, unnest(roles) role"
            " where policyname not like 'tenant_%'"
        )
        assert {row[:3] for row in more} == MORE_POLICIES.keys()
        assert {row[1]: row[3:] for row in more} == isolation.MORE_RULES

    @pytest.mark.parametrize(
        ("table", "harm"),
        [
            ("api_keys", "alter policy owner_reads on api_keys using (tenant_id is not null)"),
            (
                "tombstones",
                "drop policy owner_inserts on tombstones;"
                " create policy owner_inserts on tombstones to throughline_owner using (true)",
            ),
            ("contacts", "alter policy tenant_reads on contacts to throughline_worker"),
            (
                "contacts",
                "drop policy owner_reads on contacts;"
                " create policy owner_reads on contacts as restrictive for select to throughline_owner using (true)",
            ),
            ("score_batches", "grant select on score_batches to throughline_api"),
            ("sessions", "grant select (id) on sessions to throughline_worker"),
        ],
    )
    def test_what_is_rewritten_under_the_same_name_is_noticed(self, pg, table, harm):
        import psycopg
        from psycopg.rows import dict_row

        with psycopg.connect(pg.url("super"), row_factory=dict_row) as connection:
            connection.execute(harm)
            rows = connection.execute(isolation.TABLES).fetchall()
            connection.rollback()
        assert [row["table_name"] for row in rows if list(isolation.table_shortcomings(row))] == [table]

    def test_the_report_finds_nothing_either(self, catalog, asked):
        for query, shortcomings in (
            (isolation.TABLES, isolation.table_shortcomings),
            (isolation.ROLES, isolation.role_shortcomings),
            (isolation.FUNCTIONS, isolation.function_shortcomings),
            (isolation.VIEWS, isolation.view_shortcomings),
        ):
            rows = asked(query)
            assert rows
            found = [(row, words) for row in rows if (words := list(shortcomings(row)))]
            assert found == []
        assert {row["table_name"] for row in asked(isolation.TABLES)} == {
            *(table for table, *_ in catalog(GUARDED)),
            "tenants",
        }

    def test_every_reviewed_exception_is_needed(self, asked):
        tables = {row["table_name"] for row in asked(isolation.TABLES)}
        assert tables >= {*OTHERWISE_GUARDED, *(table for table, _ in isolation.ROWS_OF_ALL)}
        powers = {row["role"] for row in asked(isolation.ROLES) if row["passes_row_security"]}
        assert powers == isolation.POWERS.keys()
        assert {
            row["view"] for row in asked(isolation.VIEWS) if not row["is_invoker"]
        } == isolation.OWNERS_VIEWS.keys()


class TestRoles:
    def test_runtime_roles_have_no_power_over_the_schema(self, catalog):
        roles = catalog(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles"
            " where rolname like 'throughline%' order by 1"
        )
        assert roles == [
            ("throughline_api", False, False, False, False),
            ("throughline_extract", False, True, False, False),
            ("throughline_match", False, False, False, False),
            ("throughline_owner", False, False, False, False),
            ("throughline_worker", False, False, False, False),
        ]
        memberships = (
            "select 1 from pg_auth_members m join pg_roles r on r.oid in (m.member, m.roleid)"
            " where r.rolname like 'throughline%'"
        )
        assert catalog(memberships) == []

    def test_everything_belongs_to_the_owner_role(self, catalog):
        strangers = (
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and pg_get_userbyid(relowner) <> 'throughline_owner'"
            " union all select proname from pg_proc where pronamespace = 'public'::regnamespace"
            " and pg_get_userbyid(proowner) <> 'throughline_owner'"
        )
        assert catalog(strangers) == []

    def test_nobody_has_rights_on_a_partition(self, catalog):
        partitions = catalog("select relname, relacl from pg_class where relispartition and relkind = 'r'")
        assert len(partitions) >= 3
        assert [name for name, acl in partitions if acl is not None] == []

    def test_people_are_out_of_reach_for_the_runtime_roles(self, catalog):
        for table in UNREACHED:
            for role in ("throughline_api", "throughline_worker"):
                rights = catalog(
                    "select has_any_column_privilege(%s, %s, 'select, insert, update')"
                    " or has_table_privilege(%s, %s, 'delete')",
                    *(role, table, role, table),
                )
                assert rights == [(False,)], (table, role)

    def test_security_definer_functions_fix_their_search_path_and_are_not_public(self, catalog):
        loose = catalog(
            "select oid::regprocedure::text from pg_proc where pronamespace = 'public'::regnamespace and ("
            "  (prosecdef and not coalesce(array_to_string(proconfig, ',') like '%search_path=%pg_temp%', false))"
            "  or has_function_privilege('public', oid, 'execute'))"
        )
        assert loose == []


class TestHistory:
    def test_no_runtime_role_may_change_or_remove_what_happened(self, catalog):
        for table in ("events", "event_seals"):
            for role in ("throughline_api", "throughline_worker", "throughline_extract"):
                rights = catalog(
                    "select has_any_column_privilege(%s, %s, 'update')"
                    " or has_table_privilege(%s, %s, 'delete, truncate')",
                    *(role, table, role, table),
                )
                assert rights == [(False,)], (table, role)

    def test_what_resources_declare_is_what_their_triggers_do(self, catalog):
        declared = {}
        for name, table in all_tables().tables.items():
            if "entity" in table.info:
                info = table.info
                unread = [
                    column
                    for column in ("created_at", "person_key", "search_text", *info["unrecorded"])
                    if column in table.columns
                ]
                declared[name] = [info["entity"], ",".join(info["personal"]), ",".join(unread)]
        found = catalog(
            "select tgrelid::regclass::text, tgargs from pg_trigger where tgname = 'record_changed' and tgenabled = 'O'"
        )
        assert declared
        assert {table: bytes(args).decode().split("\0")[:-1] for table, args in found} == declared


class TestColumns:
    def test_the_extraction_sees_all_but_the_reviewed_columns(self, catalog):
        hidden = catalog(
            "select table_name || '.' || column_name from information_schema.columns"
            " where table_schema = 'public' and table_name = any(%s)"
            " and not has_column_privilege('throughline_extract', quote_ident(table_name), column_name, 'select')",
            sorted((tenant_tables(catalog) | {"tenants", "memberships", "tombstones"}) - OWN - HISTORY),
        )
        assert {name for (name,) in hidden} == HIDDEN_FROM_EXTRACTION

    def test_the_extraction_writes_nothing_and_reads_no_user(self, catalog):
        rights = catalog(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')"
            " and (has_any_column_privilege('throughline_extract', oid, 'insert, update')"
            " or has_table_privilege('throughline_extract', oid, 'delete, truncate'))"
        )
        assert rights == []
        assert catalog("select has_any_column_privilege('throughline_extract', 'users', 'select')") == [
            (False,)
        ]

    def test_writers_give_every_column_but_the_change_stamp(self, catalog):
        tables = sorted(tenant_tables(catalog) - {"pipeline_requests"} - HISTORY)
        withheld = catalog(
            "select c.column_name, count(distinct c.table_name)"
            " from information_schema.columns c, unnest(array['throughline_api', 'throughline_worker']) role,"
            "  unnest(array['insert', 'update']) verb"
            " where c.table_schema = 'public' and c.table_name = any(%s) and c.is_generated = 'NEVER'"
            " and not has_column_privilege(role, quote_ident(c.table_name), c.column_name, verb) group by 1",
            tables,
        )
        assert withheld == [("change_xid", len(tables))]


class TestChanges:
    def test_every_table_that_is_extracted_stamps_changes_and_leaves_tombstones(self, catalog):
        wanted = (tenant_tables(catalog) | {"tenants", "memberships"}) - OWN - HISTORY
        for trigger in ("stamp_change", "leave_tombstones"):
            having = catalog(
                "select tgrelid::regclass::text from pg_trigger join pg_class c on c.oid = tgrelid"
                " where tgname = %s and not c.relispartition",
                trigger,
            )
            assert {name for (name,) in having} - {"users"} - OWN == wanted, trigger

    def test_the_watermark_column_has_a_summarising_index(self, catalog):
        lacking = catalog(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'change_xid'"
            " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> all(%s)"
            " and not exists (select from pg_index i join pg_class ic on ic.oid = i.indexrelid"
            "  join pg_am am on am.oid = ic.relam where i.indrelid = c.oid and am.amname = 'brin'"
            "  and i.indkey[0] = a.attnum)",
            ["users", "events", "revocations", *OWN],  # finer ones, for those who follow them
        )
        assert lacking == []
