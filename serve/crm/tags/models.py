"""Words that people put on contacts, leads, accounts and tickets: one vocabulary for a tenant."""

from sqlalchemy import Index, Text, func, text

from serve.kernel.schema import optional, required, resource_table

tags = resource_table(
    "tags",
    required("name", Text),
    optional("color", Text),
    optional("description", Text),
    entity="tag",
    search=("name", "description"),
    extracted=False,
)
# However it is written, a word is one tag.
Index(
    "tags_tenant_id_name_key",
    tags.c.tenant_id,
    func.lower(tags.c.name),
    unique=True,
    postgresql_where=text("deleted_at is null"),
)
