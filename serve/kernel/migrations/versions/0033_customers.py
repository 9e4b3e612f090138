"""Leads become a resource; tags and notes on leads, contacts and accounts."""

from pathlib import Path

from serve.kernel.migrations.guards import (
    become_resource,
    column_names,
    create_resource,
    guard_tenant_table,
    record_events,
    run,
)

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
PERSON = ("full_name", "email", "phone")
FOUND_BY = ("full_name", "email", "phone", "company", "job_title", "city")
LEAD_SCORES = ("score", "score_reasons", "scored_at")
ACCOUNT_SCORES = ("churn_score", "churn_reasons", "churn_scored_at")
NEW_OF_LEADS = (
    *("contact_id", "zone_id", "owner_id", "job_title", "website", "city", "postcode", "country", "latitude"),
    *("longitude", "lost_reason", "tags", "consent_email", "first_reply_s", "contacted_at", "qualified_at"),
)
NEW_OF_ACTIVITIES = ("outcome", "summary", "user_id")
FUNCTIONS = ("keep_tags", "refuse_strangers_as_owners", "fill_currency")
OF_RESOURCES = ("search_text", "external_id", "deleted_at", "person_key")
NOTES = """
    lead_id uuid, contact_id uuid, account_id uuid, body text not null, is_pinned boolean not null default false,
    user_id uuid references users on delete set null,
    foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade,
    foreign key (tenant_id, contact_id) references contacts (tenant_id, id) on delete cascade,
    foreign key (tenant_id, account_id) references accounts (tenant_id, id) on delete cascade,
    constraint notes_about_check check (num_nonnulls(lead_id, contact_id, account_id) = 1)
"""


def upgrade() -> None:
    create_resource(
        "tags",
        "name text not null, color text, description text",
        entity="tag",
        search=("name", "description"),
        extracted=False,
    )
    run(
        "create unique index tags_tenant_id_name_key on tags (tenant_id, lower(name)) where deleted_at is null"
    )
    columns, functions = sorted(SQL.glob("*.sql"))
    run(columns.read_text())
    create_resource("notes", NOTES, entity="note", personal=("body",), search=("body",), extracted=False)
    for column in ("lead_id", "contact_id", "account_id"):
        run(f"create index on notes (tenant_id, {column})")
    become_resource("leads", entity="lead", personal=PERSON, search=FOUND_BY)
    become_resource("lead_activities", entity="lead_activity", personal=("summary",))
    run(functions.read_text())
    _guard(new=True)


def downgrade() -> None:
    run("drop table notes")
    for table in ("leads", "contacts", "accounts"):
        run(f"drop trigger keep_tags_of_new on {table}; drop trigger keep_tags on {table}")
    run(
        "drop trigger refuse_strangers_as_new_owners on leads; drop trigger refuse_strangers_as_owners on leads;"
        " drop trigger fill_currency on leads;"
        " drop trigger refuse_deleted_reference on leads"
    )
    run(f"drop function {', '.join(FUNCTIONS)}")
    run("drop trigger record_event on lead_activities")
    for table, columns in {
        "leads": (*OF_RESOURCES, *NEW_OF_LEADS),
        "lead_activities": (*OF_RESOURCES, *NEW_OF_ACTIVITIES),
        "contacts": ("tags",),
        "accounts": ("tags",),
    }.items():
        drops = ", ".join(f"drop column {name} cascade" for name in columns if name in column_names(table))
        run(f"alter table {table} {drops}")
    run("drop index if exists leads_tenant_id_created_at_id_idx, lead_activities_tenant_id_created_at_id_idx")
    run("drop table tags")
    record_events("leads", entity="lead", personal=PERSON)
    _guard(new=False)


def _guard(*, new: bool) -> None:
    guard_tenant_table("leads", hidden=(*PERSON, *(NEW_OF_LEADS if new else ())), scores=LEAD_SCORES)
    guard_tenant_table("lead_activities", hidden=NEW_OF_ACTIVITIES if new else ())
    guard_tenant_table("contacts", hidden=(*PERSON, *(("tags",) if new else ())))
    guard_tenant_table("accounts", hidden=("name", *(("tags",) if new else ())), scores=ACCOUNT_SCORES)
