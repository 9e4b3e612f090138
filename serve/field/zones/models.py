"""Areas that jobs, providers and vehicles belong to."""

from sqlalchemy import Double, Text

from serve.kernel.schema import between, required, tenant_table

zones = tenant_table(
    "zones",
    required("name", Text),
    required("city", Text),
    required("country", Text),
    between("latitude", Double, -90, 90),
    between("longitude", Double, -180, 180),
)
