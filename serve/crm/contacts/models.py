"""People at accounts."""

from sqlalchemy import Boolean, Text

from serve.crm.people.keys import keys, names
from serve.kernel.schema import (
    attributes,
    optional,
    reference,
    required,
    resource_table,
    searched,
    word_index,
    words,
)

contacts = resource_table(
    "contacts",
    reference("account_id", "accounts", empty=True),
    required("full_name", Text),
    optional("email", Text),
    optional("phone", Text),
    optional("job_title", Text),
    required("consent_email", Boolean, default="false"),
    words("tags"),
    attributes(),
    *keys("contacts"),
    word_index("tags"),
    searched(),
    entity="contact",
    personal=("full_name", "email", "phone"),
    search=("full_name", "email", "phone", "job_title"),
    unrecorded=names("contacts"),
)
