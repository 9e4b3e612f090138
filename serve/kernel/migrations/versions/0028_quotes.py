"""Quotes with lines, versions and decisions; estimates; series of numbers."""

from serve.kernel.migrations.guards import (
    become_resource,
    column_names,
    create_resource,
    guard_tenant_table,
    run,
    show,
    stamp,
)

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# What is offered; both tables have it.
OFFERED = (
    "number text",
    "contact_id uuid",
    "title text",
    "introduction text",
    "terms text",
    "recipient_name text",
    "recipient_email text",
    "lines jsonb not null default '[]'::jsonb",
    "discount_basis_points integer check (discount_basis_points between 0 and 10000)",
    "discount_cents bigint",
    "deposit_basis_points integer check (deposit_basis_points between 0 and 10000)",
    "valid_until date",
    "subtotal_cents bigint not null default 0",
    "discount_total_cents bigint not null default 0",
    "net_cents bigint not null default 0",
    "tax_cents bigint not null default 0",
    "deposit_cents bigint not null default 0",
    "taxes jsonb not null default '[]'::jsonb",
)
DECIDED = (
    "estimate_id uuid",
    "invoice_id uuid",
    "version integer not null default 1",
    "sent_version integer",
    "accepted_version integer",
    "expires_at timestamptz",
    "decided_by text check (decided_by in ('customer', 'staff'))",
    "decided_by_name text",
    "decline_reason text",
    "converted_at timestamptz",
)
PERSONAL = ("recipient_name", "recipient_email")
SEARCH = ("number", "title", "recipient_name")
BEFORE = {
    *("id", "tenant_id", "account_id", "job_id", "status", "total_cents", "currency", "sent_at", "decided_at"),
    *("created_at", "updated_at", "change_xid"),
}
VERSIONS = """
create table quote_versions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    quote_id uuid not null,
    account_id uuid not null,
    version integer not null check (version > 0),
    document jsonb not null,
    total_cents bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    recipient_email text,
    pdf bytea,
    pdf_sha256 text not null,
    sent_at timestamptz not null default now(),
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, quote_id, version),
    foreign key (tenant_id, quote_id) references quotes (tenant_id, id),
    foreign key (tenant_id, account_id) references accounts (tenant_id, id)
);
create index on quote_versions (tenant_id, account_id);
"""
SERIES = """
create table number_series (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    series text not null,
    year integer not null,
    last_number integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, series, year)
);
"""


def upgrade() -> None:
    create_resource(
        "estimates",
        "account_id uuid not null, status text not null default 'draft' check (status in ('draft', 'quoted')),"
        " total_cents bigint not null, currency text not null check (currency ~ '^[A-Z]{3}$'),"
        f" {', '.join(OFFERED)}, unique (tenant_id, number)",
        entity="estimate",
        references={"account_id": "accounts", "contact_id": "contacts"},
        personal=PERSONAL,
        search=SEARCH,
        extracted=False,
    )
    for column in OFFERED + DECIDED:
        run(f"alter table quotes add {column}")
    run("alter table quotes add unique (tenant_id, number)")
    for column, target in {
        "contact_id": "contacts",
        "estimate_id": "estimates",
        "invoice_id": "invoices",
    }.items():
        run(f"alter table quotes add foreign key (tenant_id, {column}) references {target} (tenant_id, id)")
        run(f"create index on quotes (tenant_id, {column})")
    become_resource("quotes", entity="quote", personal=(*PERSONAL, "decided_by_name"), search=SEARCH)
    guard_tenant_table("quotes")
    # The warehouse learns of the rest when its contract names it; of `deleted_at` too.
    show("quotes", hidden=set(column_names("quotes")) - BEFORE)
    run(VERSIONS)
    guard_tenant_table("quote_versions", extracted=False)
    run(SERIES)
    guard_tenant_table("number_series", extracted=False)


def downgrade() -> None:
    run("drop table quote_versions, number_series")
    for trigger in ("record_event", "stamp_change"):
        run(f"drop trigger {trigger} on quotes")
    run("drop index quotes_tenant_id_created_at_id_idx")
    for column in ("search_text", *sorted(set(column_names("quotes")) - BEFORE)):
        run(f"alter table quotes drop column if exists {column}")
    stamp("quotes", column_names("quotes"))
    run("drop table estimates cascade")
