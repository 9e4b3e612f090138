"""What is searched has an index of its words, invoices and the numbers of tickets too; slips are asked there first."""

from serve.kernel.migrations.guards import record_events, run
from serve.kernel.schema import search_vector

revision, down_revision, branch_labels, depends_on = "0063", "0062", None, None

ANEW = ("invoices", "calls", "estimates", "article_versions", "locations", "vehicles", "employees", "files")
BEFORE = ("contacts", "leads", "accounts", "tickets", "quotes", "notes")
TICKETS = ("subject", "description")
READ = ("invoices", "calls", "estimates", "article_versions", "vehicles", "files", "quotes", "notes")
"""What the function reads that no function of the owner's did before."""
FEW_FIRST = (
    *("vehicles", "employees", "locations", "article_versions", "accounts", "estimates", "invoices", "quotes"),
    *("tickets", "files", "contacts", "calls", "notes", "leads"),
)
"""Where a word is looked for first: in a large table a frequent one is a long list of rows."""
# What is written goes to a list that every question reads to its end, until it is this long: 4 MiB otherwise.
PENDING = "gin_pending_list_limit"
PENDING_KIB = 64

# The tenant is compared as text, so that no index of tenants seems quicker: a tenant's rows would be read for each term.
STANDS = """exists (
        select from {table} t where t.search_text @@ x.asked and t.tenant_id::text = any(x.tenants)
    )"""
TERMS_IN_USE = """
create function terms_in_use(p_terms text[]) returns setof text
language sql stable security definer set search_path = public, pg_temp set enable_seqscan to off as $$
    select x.term from (
        select term, to_tsquery('simple', term) as asked,
            string_to_array(current_setting('app.tenant_ids', true), ',') as tenants
        from unnest(p_terms) term offset 0
    ) x
    where {anywhere}
$$;
revoke all on function terms_in_use from public;
grant execute on function terms_in_use to throughline_api;
"""


def upgrade() -> None:
    numbers = search_vector(("number",))
    run(f"alter table invoices add search_text tsvector generated always as ({numbers}) stored")
    # Said anew: what is worked out from other columns stays out of events.
    record_events("invoices", entity="invoice")
    run(f"alter table tickets alter search_text set expression as ({search_vector(('number', *TICKETS))})")
    for table in ANEW:
        run(f"create index on {table} using gin (search_text) with ({PENDING} = {PENDING_KIB})")
    for table in BEFORE:
        run(f"alter index {table}_search_text_idx set ({PENDING} = {PENDING_KIB})")
        run(f"select gin_clean_pending_list('{table}_search_text_idx')")
    for table in READ:
        run(f"create policy owner_reads on {table} for select to throughline_owner using (true)")
    run(TERMS_IN_USE.format(anywhere="\n    or ".join(STANDS.format(table=table) for table in FEW_FIRST)))


def downgrade() -> None:
    run("drop function terms_in_use")
    for table in READ:
        run(f"drop policy owner_reads on {table}")
    for table in BEFORE:
        run(f"alter index {table}_search_text_idx reset ({PENDING})")
    for table in ANEW:
        run(f"drop index {table}_search_text_idx")
    run(f"alter table tickets alter search_text set expression as ({search_vector(TICKETS)})")
    run("alter table invoices drop column search_text")
    record_events("invoices", entity="invoice")
