"""Customers: companies and households."""

from sqlalchemy import Column, Computed, Date, Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.crm.people.keys import keys, names
from serve.kernel.schema import (
    Moment,
    attributes,
    choice,
    lookup,
    optional,
    reference,
    required,
    resource_table,
    searched,
    share,
    word_index,
    words,
)

accounts = resource_table(
    "accounts",
    choice("kind", "company", "household"),
    required("name", Text),
    # No circles and ten levels at most: a trigger (`check_account_parent`).
    reference("parent_id", "accounts", empty=True),
    # The extraction role may read this column and not `name`: a household's name is a person's.
    Column("company_name", Text, Computed("case when kind = 'company' then name end", persisted=True)),
    choice("segment", "enterprise", "smb", "consumer"),
    choice("status", "active", "churned", "prospect", default="active"),
    reference("zone_id", "zones", empty=True),
    optional("city", Text),
    required("country", Text),
    optional("since_date", Date),
    optional("churned_at", Moment),
    optional("snapshot_date", Date),
    share("churn_score"),
    optional("churn_reasons", JSONB),
    optional("churn_scored_at", Moment),
    words("tags"),
    attributes(),
    *keys("accounts"),
    lookup("status"),
    word_index("tags"),
    searched(),
    entity="account",
    personal=("name",),
    search=("name", "city"),
    unrecorded=names("accounts"),
)
