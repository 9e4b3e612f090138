"""Models and migrations describe one schema; migrations go up, down and up again."""

from __future__ import annotations

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from serve.kernel import bootstrap, migrate, revision
from serve.kernel.tables import all_tables

# Everything that a table consists of, as PostgreSQL itself spells it.
SHAPE = """
select table_name, 'column', column_name, concat_ws(' ', data_type, is_nullable, column_default, generation_expression)
from information_schema.columns where table_schema = 'public'
union all
select conrelid::regclass::text, 'constraint', conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
union all
select tablename, 'index', indexname, replace(indexdef, '''', '') from pg_indexes where schemaname = 'public'
"""


@pytest.fixture
def empty(pg):
    """A database without any table; only its owner is ready."""
    address = pg.address.database("empty")
    bootstrap.ensure_database(address)
    yield address
    pg.drop(address)


def engine(address, role="owner"):
    return create_engine(address.url(role, driver="postgresql+psycopg"))


def test_models_and_migrations_make_the_same_tables(db, empty):
    with engine(empty).begin() as connection:
        all_tables().create_all(connection)
    assert shape(db) == shape(empty)


def shape(address) -> dict:
    with psycopg.connect(address.url("super")) as connection:
        partitions = {
            name for (name,) in connection.execute("select relname from pg_class where relispartition")
        }
        found = {row[:3]: row[3] for row in connection.execute(SHAPE)}
    names = set(all_tables().tables)
    return {key: text for key, text in found.items() if key[0] in names and key[0] not in partitions}


def test_autogenerate_finds_nothing_to_do(db):
    with engine(db).connect() as connection:
        partitions = set(
            connection.exec_driver_sql("select relname from pg_class where relispartition").scalars()
        )
        options = {
            "include_name": lambda name, kind, parents: not (kind == "table" and name in partitions),
            "compare_server_default": False,  # compared exactly above
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, all_tables()) == []


def test_up_down_and_up_again_on_a_filled_database(store, tenants):
    store.add_lead(tenants[0])
    before = shape(store.address)
    migrate.downgrade(store.address, "base")
    assert migrate.current(store.address) is None
    assert store.rows("owner", "select count(*) from pg_class where relname in ('leads', 'tenants')") == [
        (0,)
    ]
    migrate.upgrade(store.address)
    assert migrate.current(store.address) == migrate.head() == revision.newest()
    assert shape(store.address) == before


def test_the_api_sees_how_far_the_schema_is(db):
    assert migrate.current(db.url("api")) == migrate.head()


def test_upgrading_what_is_current_changes_nothing(db):
    before = shape(db)
    migrate.upgrade(db)
    bootstrap.ensure_database(db)
    assert shape(db) == before


def test_a_superuser_url_migrates_as_the_owner_role(empty):
    migrate.upgrade(empty.url("super"))
    with psycopg.connect(empty.url("super")) as connection:
        owners = connection.execute(
            "select distinct tableowner from pg_tables where schemaname = 'public'"
        ).fetchall()
    assert owners == [("throughline_owner",)]


def test_the_substitute_for_older_servers_makes_version_7_ids(empty):
    """PostgreSQL 18 has uuidv7() itself, so the function that a migration makes for older ones is tried by hand."""
    text = (migrate.SCRIPTS / "versions" / "0001_operational_store" / "0_functions.sql").read_text()
    body = text.split("create function uuidv7()", 1)[1].split("end if;", 1)[0]
    with psycopg.connect(empty.url("owner")) as connection:
        connection.execute("create function older_uuidv7()" + body)
        ids = [row[0] for row in connection.execute("select older_uuidv7() from generate_series(1, 100)")]
        [(age_s,)] = connection.execute(
            "select extract(epoch from clock_timestamp() - uuid_extract_timestamp(%s))", [ids[-1]]
        ).fetchall()
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {"specified in RFC 4122"}
    assert len(set(ids)) == 100
    assert 0 <= age_s < 60
