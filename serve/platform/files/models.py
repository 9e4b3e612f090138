"""What is known of a file; its bytes lie in the storage under the ids of its tenant and of its row."""

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, Uuid, text

from serve.kernel.schema import Moment, lookup, optional, required, resource_table, searched

files = resource_table(
    "files",
    required("name", Text),
    required("media_type", Text),
    optional("charset", Text),
    required("size_bytes", BigInteger),
    required("sha256", Text),
    required("purpose", Text, default="'attachment'"),
    optional("entity_type", Text),
    optional("entity_id", Uuid),
    optional("width_px", Integer),
    optional("height_px", Integer),
    optional("uploaded_by", Uuid),
    optional("lost_at", Moment),
    CheckConstraint("size_bytes > 0", name="size_bytes"),
    CheckConstraint("(entity_type is null) = (entity_id is null)", name="entity"),
    lookup("entity_type", "entity_id"),
    searched(),
    entity="file",
    personal=("name",),
    search=("name",),
    extracted=False,
)
files.info["heard_with"] = "files:all"  # an event does not say whose the file is
Index(
    "files_one_picture_key",
    *(files.c.tenant_id, files.c.purpose, files.c.entity_id),
    unique=True,
    postgresql_where=text("purpose in ('avatar', 'logo') and deleted_at is null"),
)
