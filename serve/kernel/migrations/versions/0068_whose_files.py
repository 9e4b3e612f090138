"""Recordings belong to their calls, pictures to their articles: who may read the row reads the file."""

from pathlib import Path

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0068", "0067", None, None

# A file that two calls name belongs to the first, and goes with it alone.
LET_GO = """
create or replace function delete_recording_of_call() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    update files set deleted_at = now()
    where tenant_id = old.tenant_id and id = old.recording_file_id and deleted_at is null
        and entity_type = 'call' and entity_id = old.id;
    return null;
end
$$
"""
READ = ("calls", "articles", "article_versions")
RECORDINGS = """
update files f set entity_type = 'call', entity_id = c.id
from (
    select distinct on (tenant_id, recording_file_id) tenant_id, recording_file_id, id
    from calls where recording_file_id is not null order by tenant_id, recording_file_id, id
) c
where f.tenant_id = c.tenant_id and f.id = c.recording_file_id and f.entity_type is null
"""
PICTURES = """
update files f set entity_type = 'article', entity_id = a.article_id
from (
    select distinct on (w.tenant_id, named.id) w.tenant_id, named.id, w.article_id
    from (
        select tenant_id, id as article_id, body from articles
        union all select tenant_id, article_id, body from article_versions
    ) w,
    lateral (
        select (regexp_matches(w.body, '/files/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})', 'g'))[1]::uuid as id
    ) named
    order by w.tenant_id, named.id, w.article_id
) a
where f.tenant_id = a.tenant_id and f.id = a.id and f.entity_type is null
"""


def upgrade() -> None:
    run(LET_GO)
    for table in (*READ, "files"):
        run(f"alter table {table} no force row level security")
    run(RECORDINGS)
    run(PICTURES)
    for table in (*READ, "files"):
        run(f"alter table {table} force row level security")


def downgrade() -> None:
    before = (Path(__file__).with_name("0035_calls") / "0_recordings.sql").read_text()
    run(before[: before.index("$$;") + 2].replace("create function", "create or replace function"))
