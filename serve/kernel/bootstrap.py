"""What only a superuser can do, once per server: the roles and the database that migrations need."""

from collections.abc import Mapping
from contextlib import suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from warehouse.postgres import Address

OWNER = "throughline_owner"  # owns the schema, runs migrations
API = "throughline_api"  # serves requests, under row security
WORKER = "throughline_worker"  # writes for the pipeline and background work, under row security
EXTRACT = "throughline_extract"  # reads selected columns of all tenants into the landing
MATCH = "throughline_match"  # compares people: a few functions of its own, and no table

ATTRIBUTES = {
    OWNER: "nobypassrls",
    API: "nobypassrls",
    WORKER: "nobypassrls",
    EXTRACT: "bypassrls",
    MATCH: "nobypassrls",
}

HARMLESS = (
    "arraycontains(anyarray, anyarray)",
    "arrayoverlap(anyarray, anyarray)",
    "ts_match_vq(tsvector, tsquery)",
)
"""What tags and words are found by. Under row security an index is asked only by functions that are known to tell
nothing of their arguments but by their result. These are such, though PostgreSQL vouches for none that it has not
examined: they fail for no value of theirs and write nothing. Without this they are asked of every row of a tenant."""


def ensure_database(address: Address) -> None:
    """Roles and database of this address, made where they are missing."""
    database = conninfo_to_dict(address.url("super"))["dbname"]
    ensure_roles(address.database("postgres").url("super"), str(database), passwords=address.passwords)
    # Only a superuser may say so; somebody else's server works without it.
    with (
        suppress(psycopg.errors.InsufficientPrivilege),
        psycopg.connect(address.url("super"), autocommit=True) as connection,
    ):
        for function in HARMLESS:
            connection.execute(f"alter function pg_catalog.{function} leakproof")


def ensure_roles(superuser_url: str, database: str, *, passwords: Mapping[str, str] | None = None) -> None:
    """Make our roles and ``database``, owned by the owner role; safe to repeat.

    ``passwords`` by role name are set on every call, so that a changed secret takes effect; without them
    roles log in by socket trust only. The idle limit is there because an open transaction that wrote holds
    every extraction back.
    """
    passwords = passwords or {}
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        known = {name for (name,) in connection.execute("select rolname from pg_roles").fetchall()}
        for role, attribute in ATTRIBUTES.items():
            verb = "alter" if role in known else "create"
            words = (
                f"{verb} role {{role}} login nosuperuser nocreaterole nocreatedb noreplication {attribute}"
            )
            statement = sql.SQL(words).format(role=sql.Identifier(role))
            if role in passwords:
                statement += sql.SQL(" password {}").format(sql.Literal(passwords[role]))
            connection.execute(statement)
            for setting in ("timezone = 'UTC'", "idle_in_transaction_session_timeout = '10min'"):
                connection.execute(
                    sql.SQL(f"alter role {{role}} set {setting}").format(role=sql.Identifier(role))
                )
        databases = connection.execute("select datname from pg_database").fetchall()
        names = {"database": sql.Identifier(database), "owner": sql.Identifier(OWNER)}
        if (database,) not in databases:
            connection.execute(sql.SQL("create database {database} owner {owner}").format(**names))
        connection.execute(sql.SQL("alter database {database} owner to {owner}").format(**names))
