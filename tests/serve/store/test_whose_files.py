"""Files of before: recordings and pictures that belonged to nothing (migration 0068)."""

from __future__ import annotations

from uuid import UUID, uuid4

from serve.kernel import migrate

FILE = """
    insert into files (tenant_id, name, media_type, size_bytes, sha256, entity_type, entity_id)
    values (%s, 'a', 'audio/wav', 1, 'x', %s, %s) returning id
"""
CALL = """
    insert into calls (tenant_id, direction, started_at, recording_file_id) values (%s, 'inbound', now(), %s)
    returning id
"""
ARTICLE = "insert into articles (tenant_id, title, slug, body) values (%s, 'a', %s, %s) returning id"


def add(store, tenant: UUID, sql: str, *values: object) -> UUID:
    [(row_id,)] = store.rows("api", sql, tenant, *values, tenant=tenant)
    return row_id


def test_they_belong_to_what_names_them(store, tenants):
    ours, theirs = tenants
    migrate.downgrade(store.address, "0067")
    sound, twice, shown, loose, strange = (add(store, ours, FILE, None, None) for _ in range(5))
    place = uuid4()
    given = add(store, ours, FILE, "contact", place)
    first, second, third = (add(store, ours, CALL, file) for file in (sound, twice, twice))
    add(store, ours, CALL, given)
    body = f"See ![a plan](/api/v1/files/{shown}/download) and /api/v1/files/1."
    article = add(store, ours, ARTICLE, "a", body)
    add(store, theirs, ARTICLE, "b", f"![not ours](/api/files/{strange}/download)")
    migrate.upgrade(store.address)
    found = {
        row_id: rest for row_id, *rest in store.rows("super", "select id, entity_type, entity_id from files")
    }
    assert found == {
        sound: ["call", first],
        twice: ["call", min(second, third)],
        shown: ["article", article],
        loose: [None, None],
        strange: [None, None],
        given: ["contact", place],
    }
    guarded = "select count(*) from pg_class where relname = any(%s) and relforcerowsecurity"
    assert store.rows("super", guarded, ["files", "calls", "articles", "article_versions"]) == [(4,)]
