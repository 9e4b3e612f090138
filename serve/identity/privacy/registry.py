"""What each table knows of people, and what becomes of it when one of them is erased: the whole of it on one page.

Every table of the operational store stands here, in ``KNOWN`` or in ``NOTHING``; a test fails for one that does not, so
a new table cannot be forgotten. ``GET /api/v1/privacy/registry`` shows it to who answers for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from serve.identity.privacy.fates import Known, Law

ERASED: Final = "Erased person"
NO_ADDRESS: Final = "erased@invalid"

_GONE = {"deleted_at": "coalesce(deleted_at, now())"}
_PERSON = {"full_name": f"'{ERASED}'", "email": "null", "phone": "null"}
_NO_ATTRIBUTES = {"attributes": "'{}'::jsonb"}
_INVOICES = Law(
    "invoices name whom they were for (HGB § 257, AO § 147)", 10, "invoices", "account_id", "issued_at"
)
_BOOKS = "belongs to the books (HGB § 257, AO § 147: 10 years); names nobody, the account does"
_RECIPIENT: Final = {
    "recipient_name": "null",
    "recipient_email": "null",
    "external_id": "null",
    "person_key": "null",
}
_ID_ONLY = "has the id alone, which stands for nobody once its row is blank"
_ACCOUNT = "is the person's, not the tenant's: they can erase their account, and it goes"
_TRAIL = "shows who did what (integrity of the records); has the id alone"

KNOWN: Final[dict[str, Known]] = {
    # People themselves
    "contacts": Known(
        "blanked",
        {"id": "contact"},
        blank=_PERSON
        | _NO_ATTRIBUTES
        | _GONE
        | {"job_title": "null", "consent_email": "false", "external_id": "null", "person_key": "null"},
    ),
    "leads": Known(
        "blanked",
        {"id": "lead"},
        blank=_PERSON
        | _NO_ATTRIBUTES
        | {
            "company": "null",
            "job_title": "null",
            "website": "null",
            "city": "null",
            "postcode": "null",
            "latitude": "null",
            "longitude": "null",
            "cell": "null",
            "coordinates_source": "null",
            "located_at": "null",
            "consent_email": "false",
            "external_id": "null",
            "person_key": "null",
        },
        why="where it came from, what it cost and what became of it stay",
        stays=("owner_id", "contact_id", "account_id"),
    ),
    "providers": Known("blanked", {"id": "provider"}, blank=_PERSON | {"is_active": "false"}),
    "accounts": Known(
        "blanked",
        {"id": "account"},
        blank=_NO_ATTRIBUTES
        | _GONE
        | {"name": f"'{ERASED}'", "city": "null", "external_id": "null", "person_key": "null"},
        where="kind = 'household'",
        unless=_INVOICES,
        held=("name",),
    ),
    "employees": Known(
        "blanked",
        {"id": "employee", "user_id": "user"},
        blank=_PERSON
        | _GONE
        | {
            "job_title": "null",
            "locale": "null",
            "timezone": "null",
            "external_id": "null",
            "person_key": "null",
        },
        why="number and dates of employment stay for payroll and pensions",
        stays=("manager_id", "department_id"),
    ),
    "departments": Known("kept", {"head_id": "employee"}, why=_ID_ONLY),
    "invitations": Known(
        "blanked",
        {"accepted_by": "user", "employee_id": "employee"},
        address="email",
        blank=_GONE
        | {
            "email": f"'{NO_ADDRESS}'",
            "full_name": "null",
            "message": "null",
            "job_title": "null",
            "external_id": "null",
            "person_key": "null",
            "revoked_at": "coalesce(revoked_at, case when accepted_at is null then now() end)",  # one open each
        },
        why="who was let in, by whom and as what, stays",
        stays=("manager_id", "department_id", "invited_by"),
    ),
    # What was done with and for them
    "tickets": Known(
        "blanked",
        {"contact_id": "contact", "account_id": "account"},
        blank={
            "subject": "'Erased'",
            "description": "null",
            "resolution": "case when resolution is not null then 'Erased' end",
            "satisfaction_comment": "null",
            "external_id": "null",
            "person_key": "null",
        },
        stays=("assignee_id",),
    ),
    "ticket_replies": Known(
        "blanked",
        {"contact_id": "contact", "account_id": "account"},
        blank={"body": "'Erased'", "external_id": "null", "person_key": "null"},
        stays=("author_id",),
    ),
    "calls": Known(
        "blanked",
        {"contact_id": "contact", "account_id": "account"},
        blank={
            "from_number": "null",
            "to_number": "null",
            "notes": "null",
            "transcript": "null",
            "transcript_source": "null",
            "transcribed_at": "null",
            "recording_file_id": "null",  # and a trigger deletes the file
            "external_id": "null",
            "person_key": "null",
        },
        why="that there was a call, when and for how long, stays",
        stays=("user_id",),
    ),
    "jobs": Known(
        "blanked",
        {"account_id": "account"},
        blank=_NO_ATTRIBUTES | {"latitude": "null", "longitude": "null"},
        why="what was done and earned stays, without the place",
        stays=("provider_id",),
    ),
    "lead_activities": Known(
        "blanked",
        {"lead_id": "lead"},
        blank=_NO_ATTRIBUTES | {"summary": "null", "external_id": "null", "person_key": "null"},
        stays=("user_id",),
    ),
    "lead_analyses": Known("deleted", {"lead_id": "lead"}, stays=("user_id",)),
    "lead_conversions": Known(
        "kept",
        {"lead_id": "lead", "contact_id": "contact", "account_id": "account"},
        why="what became of a lead, and when; " + _ID_ONLY,
    ),
    "notes": Known(
        "blanked",
        {"lead_id": "lead", "contact_id": "contact", "account_id": "account"},
        blank=_GONE | {"body": "'Erased'", "external_id": "null", "person_key": "null"},
        stays=("user_id",),
    ),
    "review_requests": Known(
        "blanked",
        {"contact_id": "contact"},
        blank={
            "message": "null",
            "comment": "null",
            "published_on": "null",
            "external_id": "null",
            "person_key": "null",
        },
        why="that somebody was asked, and how content they were, stays",
    ),
    "merges": Known(
        "blanked",
        {"survivor_id": "*", "merged_id": "*"},
        blank={"taken": "'{}'::jsonb", "erased_at": "coalesce(erased_at, now())"},
        why="that two rows were one stays, by their ids alone; it cannot be undone any more",
        stays=("merged_by", "undone_by"),
        hidden=("taken",),  # sealed; the history of the row itself says it
    ),
    "person_links": Known(
        "deleted", {"left_id": "*", "right_id": "*"}, stays=("decided_by",), hidden=("keys",)
    ),
    "subscriptions": Known("blanked", {"account_id": "account"}, blank=_NO_ATTRIBUTES),
    "compliance_documents": Known("blanked", {"provider_id": "provider"}, blank={"number": "null"}),
    "quotes": Known(
        "blanked",
        {"account_id": "account", "contact_id": "contact"},
        address="recipient_email",
        blank=_RECIPIENT | {"decided_by_name": "null", "decline_reason": "null"},
        why="what was offered, to which account, and what came of it " + _BOOKS,
    ),
    "estimates": Known(
        "blanked",
        {"account_id": "account", "contact_id": "contact"},
        address="recipient_email",
        blank=_RECIPIENT,
        why="what was reckoned, for which account, stays",
    ),
    "quote_versions": Known(
        "blanked",
        {"account_id": "account"},
        address="recipient_email",
        blank={
            "recipient_email": "null",
            "pdf": "null",
            "document": "document - array['recipient_name', 'recipient_email', 'customer_name']",
        },
        why="what was offered stays, with the hash of the paper; the paper names somebody and goes",
        hidden=("pdf",),  # it says what the document says
    ),
    "invoices": Known("kept", {"account_id": "account"}, why=_BOOKS),
    "payments": Known("kept", {"account_id": "account"}, why=_BOOKS),
    "messages": Known("kept", {"account_id": "account", "lead_id": "lead"}, why="has no text; " + _ID_ONLY),
    "campaign_events": Known("kept", {"contact_id": "contact", "lead_id": "lead"}, why=_ID_ONLY),
    "trips": Known("kept", {"provider_id": "provider"}, why=_ID_ONLY),
    # What was written to them, and what lies about them
    "mails": Known(
        "blanked",
        {},
        address="to_address",
        blank=_GONE
        | {
            "to_address": f"'{NO_ADDRESS}'",
            "to_name": "null",
            "reply_to": "null",
            "subject": "'Erased'",
            "text": "'Erased'",
            "html": "null",
            "error": "null",
            "attachments": "'[]'",
            "person_key": "null",
            "state": "case when state = 'queued' then 'cancelled' else state end",
        },
    ),
    "files": Known("deleted", {"entity_id": "*"}),
    "notifications": Known("deleted", {"user_id": "user", "entity_id": "*"}),
    "imports": Known(
        "kept",
        {"user_id": "user"},
        why=f"{_TRAIL}; a file with rejected rows is kept for 7 days to be mended, and is gone then",
    ),
    "tasks": Known(
        "blanked",
        {"entity_id": "*"},
        blank={
            "params": "case when status in ('succeeded', 'failed', 'cancelled') then '{}' else params end",
            "result": "null",
            "error": "null",
            "message": "null",
        },
        where="id::text <> coalesce(nullif(current_setting('app.cause', true), ''), '')",  # the erasing itself
    ),
    "schedules": Known("kept", {"user_id": "user"}, why=_TRAIL),
    # People who log in
    "users": Known(
        "kept", {"id": "user"}, why="the account is the person's, not the tenant's: they can erase it"
    ),
    "passkeys": Known("kept", {"user_id": "user"}, why=_ACCOUNT),
    "passkey_handles": Known("kept", {"user_id": "user"}, why=_ACCOUNT),
    "passkey_challenges": Known("kept", {"user_id": "user"}, why=_ACCOUNT),
    "totp_secrets": Known("kept", {"user_id": "user"}, why=_ACCOUNT),
    "recovery_codes": Known("kept", {"user_id": "user"}, why=_ACCOUNT),
    "memberships": Known("deleted", {"user_id": "user"}),
    "seat_changes": Known("kept", {"user_id": "user"}, why=_TRAIL),
    "sessions": Known("deleted", {"user_id": "user"}),
    "api_keys": Known("deleted", {"user_id": "user"}),
    "account_mails": Known("deleted", {"user_id": "user"}),
    "account_tokens": Known("deleted", {"user_id": "user"}, address="email"),
    "sign_ins": Known(
        "blanked",
        {"user_id": "user"},
        blank={"address": "null", "country": "null", "user_agent": "null"},
        why="that somebody came in stays, not from where",
    ),
    "threats": Known("blanked", {"user_id": "user"}, blank={"evidence": "'{}'::jsonb"}, why=_TRAIL),
    "elevations": Known("kept", {"user_id": "user"}, why=_TRAIL),
    "impersonations": Known("kept", {"user_id": "user"}, why=_TRAIL, stays=("impersonator_id",)),
    "tenant_closings": Known(
        "kept",
        {"requested_by": "user"},
        why="Who closed a company, and so had all of it erased, must stay known.",
    ),
    "umbrella_requests": Known("kept", {"asked_by": "user"}, why=_TRAIL),
    "isolation_checks": Known("kept", {"user_id": "user"}, why=_TRAIL),
    "control_attestations": Known("kept", {"user_id": "user"}, why=_TRAIL),
    "sso_identities": Known("deleted", {"user_id": "user"}),
    "sso_attempts": Known("deleted", {"user_id": "user"}),
    "settings": Known("deleted", {"user_id": "user"}, hidden=("secrets",)),
    "flag_feedback": Known("deleted", {"user_id": "user"}),
    "article_feedback": Known("deleted", {"user_id": "user"}),
    "beta_users": Known("deleted", {"user_id": "user"}),
    "job_status_changes": Known("kept", {"changed_by": "user"}, why=_TRAIL),
    "api_requests": Known("kept", {"user_id": "user"}, why=_TRAIL),
    # Privacy itself
    "consents": Known(
        "blanked",
        {"subject_id": "*"},
        blank={"evidence": "null"},
        why="that somebody agreed must be shown (GDPR Art. 7(1)): what, when and the id stay",
    ),
    "privacy_requests": Known(
        "blanked",
        {"subject_id": "*"},
        address="email",
        blank={"email": "null", "note": "null", "person_key": "null"},
        why="that it was asked and answered must be shown (GDPR Art. 5(2))",
        hidden=("sealed_identifiers", "result"),
    ),
    "privacy_holds": Known("kept", {"subject_id": "*"}, why=_TRAIL, hidden=("reason",)),
}

NOTHING: Final[dict[str, str]] = {
    "tenants": "companies",
    "tenant_slugs": "names of companies",
    "zones": "areas",
    "geocoder_answers": "places of a map service, for a day; what was asked stands there as a hash",
    "locations": "places that the tenant names; whose leads lie there is reckoned",
    "business_calendars": "of the tenant",
    "lead_assignment_rules": "who of the firm gets leads, by the id alone",
    "lead_assignment_turns": "who of the firm got leads, by the id alone",
    "merge_moves": "ids of rows that a merge has moved",
    "person_matchings": "counts and times",
    "sla_policies": "of the tenant; whom they tell, by the id alone",
    "ticket_escalations": "times",
    "review_turns": "jobs that are done, and when",
    "ticket_merges": "ids and times",
    "canned_replies": "texts of the tenant, with places for names",
    "ticket_status_changes": "times; who of the firm changed it, by the id alone",
    "tags": "words of the tenant",
    "vehicles": "vehicles",
    "telemetry": "readings of vehicles; who drove stands in trips",
    "work_orders": "of vehicles",
    "fuel_logs": "of vehicles",
    "invoice_lines": "what was sold; the invoice has the account",
    "expenses": "of the tenant",
    "segments": "conditions of the tenant: values that it chose to compare with",
    "articles": "of the tenant; who began one stands there by the id alone",
    "article_models": "terms of published articles",
    "article_suggestions": "that articles were shown; who asked stands there by the id alone",
    "article_uses": "which were of use; who said so stands there by the id alone",
    "article_versions": "of the tenant; who published one stands there by the id alone",
    "brand_versions": "of the tenant",
    "budgets": "of the tenant",
    "campaigns": "of the tenant",
    "revocations": "ids",
    "number_series": "counts",
    "roles": "of the tenant",
    "refresh_tokens": "hashes; go with their session",
    "api_key_hashes": "hashes; go with their key",
    "experiments": "of the tenant",
    "flags": "of the tenant",
    "flag_segments": "rules of the tenant",
    "flag_exposures": "who saw a flag, by the id alone",
    "flag_uses": "counts",
    "sso_assertions": "hashes",
    "sso_connections": "of the tenant",
    "sso_domains": "of the tenant",
    "tenant_limits": "of the tenant",
    "api_sunsets": "of the tenant",
    "schedule_runs": "times",
    "task_steps": "ids and counts; go with their task",
    "task_workers": "processes",
    "tombstones": "ids",
    "score_batches": "ids and scores",
    "pipeline_requests": "ids",
    "events": "personal values are sealed with the row's key, which goes; others are struck out",
    "event_seals": "hashes",
    "event_readers": "places in the feed",
    "idempotency_keys": "gone after a day; those that hold the person go at once",
    "import_leftovers": "ids, and why an undo has left the row",
    "import_rejects": "lines of files, and what is wrong with them",
    "rate_limits": "ids and addresses, for minutes; keyed hashes of log-ins, for 30 days",
    "consent_purposes": "of the tenant",
    "consent_texts": "of the tenant",
    "privacy_kept": "ids and reasons",
    "privacy_suppressions": "keyed hashes",
    "retention_rules": "of the tenant",
}
"""Tables that know nothing of people, or only what goes with another table; and why."""

PEOPLE: Final = {"contact": "contacts", "lead": "leads", "provider": "providers"}
"""Tables of people with a name, an address and a number, by kind."""

UNREACHED: Final = frozenset(
    {
        *("users", "memberships", "sessions", "account_mails", "account_tokens"),
        *("passkeys", "passkey_handles", "passkey_challenges", "totp_secrets", "recovery_codes"),
    }
)
"""No runtime role has rights on them: functions of the migration do what their line says."""

TECHNICAL: Final = frozenset({"tenant_id", "change_xid", "person_key", "search_text"})


def shown(name: str, columns: Iterable[str]) -> list[str]:
    """The columns of a table that a person is given."""
    return [column for column in columns if column not in TECHNICAL and column not in KNOWN[name].hidden]
