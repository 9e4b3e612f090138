"""Planned amounts; ``month`` is the first day of its month."""

from sqlalchemy import CheckConstraint, Date, Text

from serve.kernel.schema import currency, money, required, tenant_table, unique

budgets = tenant_table(
    "budgets",
    required("category", Text),
    required("month", Date),
    money("amount_cents"),
    currency(),
    CheckConstraint("extract(day from month) = 1", name="month"),
    unique("category", "month"),
)
