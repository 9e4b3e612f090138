"""Money spent, by category and where known by vehicle or campaign."""

from sqlalchemy import Date, Text

from serve.kernel.schema import choice, currency, lookup, money, optional, reference, required, tenant_table

expenses = tenant_table(
    "expenses",
    choice(
        "category", "fuel", "parts", "labour", "rent", "marketing", "software", "insurance", "leads", "other"
    ),
    reference("vehicle_id", "vehicles", empty=True),
    reference("campaign_id", "campaigns", empty=True),
    optional("vendor", Text),
    money("amount_cents"),
    currency(),
    required("spent_date", Date),
    lookup("spent_date"),
)
