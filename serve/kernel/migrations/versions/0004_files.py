"""Files: what was uploaded, and where it lies."""

from serve.kernel.migrations.guards import create_resource, run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = """
    name text not null,
    media_type text not null,
    charset text,
    size_bytes bigint not null check (size_bytes > 0),
    sha256 text not null,
    purpose text not null default 'attachment',
    entity_type text,
    entity_id uuid,
    width_px integer,
    height_px integer,
    uploaded_by uuid,
    lost_at timestamptz,
    constraint files_entity_check check ((entity_type is null) = (entity_id is null))
"""
MORE = """
create index on files (tenant_id, entity_type, entity_id);
create unique index files_one_picture_key on files (tenant_id, purpose, entity_id)
    where purpose in ('avatar', 'logo') and deleted_at is null;

-- For loops that work for each tenant in turn, in a transaction of that tenant's own.
create function every_tenant() returns setof uuid
language sql stable security definer set search_path = public, pg_temp as $$
    select id from tenants order by id
$$;
revoke all on function every_tenant from public;
grant execute on function every_tenant to throughline_worker;
"""


def upgrade() -> None:
    create_resource("files", COLUMNS, entity="file", personal=("name",), search=("name",), extracted=False)
    run(MORE)


def downgrade() -> None:
    run("drop function every_tenant")
    run("drop table files cascade")
