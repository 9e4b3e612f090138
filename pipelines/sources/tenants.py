"""The tenant of a source in PostgreSQL, with somebody who may look at it."""

from __future__ import annotations

import secrets

import argon2
import psycopg

from pipelines.sources.profile import Profile
from warehouse.postgres import Address
from warehouse.settings import Home, locked, read_json, write_json

ROLE = "viewer"


def register_tenant(address: Address, home: Home, profile: Profile) -> bool:
    """Make the tenant and the viewer ``analyst@<slug>.example``; returns False when they were there already.

    What the profile says of the tenant replaces what the store says; a viewer who exists keeps the password. A new
    password is drawn here and kept in ``demo_logins.json`` before the commit: no log-in without a password to it.
    """
    tenant = profile.tenant
    email = f"analyst@{tenant.slug}.example"
    with (
        locked(home.root / "logins.lock"),
        psycopg.connect(address.url("super"), autocommit=False) as connection,
        connection.transaction(),
    ):
        _write_tenant(connection, profile)
        known = connection.execute("select id from users where lower(email) = %s", [email]).fetchone()
        if known is None:
            password = secrets.token_urlsafe(9)
            known = connection.execute(
                "insert into users (email, full_name, password_hash) values (%s, %s, %s) returning id",
                [email, f"Analyst of {tenant.name}", argon2.PasswordHasher().hash(password)],
            ).fetchone()
            _keep(home, {"tenant": tenant.slug, "email": email, "password": password, "role": ROLE})
        assert known is not None
        made = connection.execute(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)"
            " on conflict (user_id, tenant_id) do nothing",
            [known[0], tenant.id, ROLE],
        )
    return made.rowcount == 1


def _write_tenant(connection: psycopg.Connection, profile: Profile) -> None:
    tenant = profile.tenant
    connection.execute("select set_config('app.tenant_id', %s, true)", [str(tenant.id)])
    connection.execute(
        "insert into tenants (id, slug, name, kind, country, timezone, currency, failure_horizon_h)"
        " values (%(id)s, %(slug)s, %(name)s, 'source', %(country)s, %(timezone)s, %(currency)s, %(failure_horizon_h)s)"
        " on conflict (id) do update set name = excluded.name, country = excluded.country,"
        "  timezone = excluded.timezone, currency = excluded.currency, failure_horizon_h = excluded.failure_horizon_h"
        " where (tenants.name, tenants.country, tenants.timezone, tenants.currency, tenants.failure_horizon_h)"
        "  is distinct from (excluded.name, excluded.country, excluded.timezone, excluded.currency,"
        "  excluded.failure_horizon_h)",
        tenant.row,
    )


def _keep(home: Home, login: dict[str, str]) -> None:
    path = home.root / "demo_logins.json"
    others = [entry for entry in read_json(path) or [] if entry["email"] != login["email"]]
    write_json(path, [*others, login], mode=0o600)
