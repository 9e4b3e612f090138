"""People at accounts."""

from sqlalchemy import Boolean, Text

from serve.kernel.schema import attributes, optional, reference, required, tenant_table

contacts = tenant_table(
    "contacts",
    reference("account_id", "accounts", empty=True),
    required("full_name", Text),
    optional("email", Text),
    optional("phone", Text),
    optional("job_title", Text),
    required("consent_email", Boolean, default="false"),
    attributes(),
)
