"""Bring a database to a revision of the schema: ``python -m serve.kernel.migrate URL [REVISION]``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

from serve.kernel.bootstrap import OWNER, WORKER
from warehouse.postgres import Address

SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(database: Address | str, revision: str = "head") -> None:
    """Run the missing migrations as the owner role, all in one transaction; two at once wait for each other.

    ``database`` is an address, or the URL of a role that is the owner or may become it.
    """
    with _as_owner(database) as connection:
        command.upgrade(_config(connection), revision)
        has_tasks = inspect(connection).has_table("tasks")
    if has_tasks:
        _prepare_queue(database)


def downgrade(database: Address | str, revision: str) -> None:
    """Undo migrations back to ``revision`` (``base``: all of them, and the data with them)."""
    with _as_owner(database) as connection:
        command.downgrade(_config(connection), revision)


def current(database: Address | str) -> str | None:
    """The revision that the database is at, or None when it was never migrated. Any of our roles may ask."""
    with _connected(database) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _prepare_queue(database: Address | str) -> None:
    """The tables of the task queue are DBOS's own, in a schema of their own, owned by our owner.

    Its migrations make indexes concurrently, so they cannot be part of ours.
    """
    from dbos import DBOS

    url = _url(database).update_query_dict({"options": f"-c role={OWNER}"})
    with _as_owner(database):  # two at once wait for each other
        DBOS.migrate(url.render_as_string(hide_password=False), application_role=WORKER)


def _url(database: Address | str) -> URL:
    return make_url(database.url("owner") if isinstance(database, Address) else database)


@contextmanager
def _connected(database: Address | str) -> Iterator[Connection]:
    engine = create_engine(_url(database).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


@contextmanager
def _as_owner(database: Address | str) -> Iterator[Connection]:
    with _connected(database) as connection:
        connection.execute(text(f"set local role {OWNER}"))
        connection.execute(text("select pg_advisory_xact_lock(hashtext('throughline migrations'))"))
        yield connection


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: python -m serve.kernel.migrate URL [REVISION]")
    upgrade(*sys.argv[1:])
    print(f"at revision {current(sys.argv[1])}")
