"""Where each series of a tenant's numbers stands: quotes of a year, invoices of a year."""

from sqlalchemy import Integer, Text

from serve.kernel.schema import own_table, required, unique

number_series = own_table(
    "number_series",
    required("series", Text),
    required("year", Integer),
    required("last_number", Integer, default="0"),
    unique("series", "year"),
)
