"""The operational store as its roles see it: tenants A and B, and connections that act for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from warehouse.postgres import Address


class Store:
    """A migrated database with tenants; every block is one connection and one transaction."""

    def __init__(self, address: Address) -> None:
        self.address = address

    @contextmanager
    def connect(
        self, role: str, tenant: UUID | None = None, reads: list[UUID] | None = None
    ) -> Iterator[psycopg.Connection[Any]]:
        """A transaction as ``role`` for ``tenant``, which may read ``reads`` (itself alone when not given)."""
        with psycopg.connect(self.address.url(role)) as connection:
            if tenant:
                act_as(connection, tenant, reads)
            yield connection

    def rows(self, role: str, query: str, *values: object, tenant: UUID | None = None) -> list[Any]:
        with self.connect(role, tenant) as connection:
            return connection.execute(query, values or None).fetchall()  # type: ignore[call-overload]

    def add_tenant(self, slug: str, parent: UUID | None = None) -> UUID:
        tenant = uuid4()
        with self.connect("owner", tenant) as owner:
            owner.execute(
                "insert into tenants (id, slug, name, kind, parent_id, country, currency)"
                " values (%s, %s, %s, 'fleet', %s, 'DE', 'EUR')",
                (tenant, slug, slug.upper(), parent),
            )
        return tenant

    def add_lead(self, tenant: UUID, name: str = "Ada Byron") -> UUID:
        with self.connect("api", tenant) as api:
            return insert_lead(api, tenant, name)

    def add_vehicle(self, tenant: UUID, registration: str = "HB-T 1") -> UUID:
        [(vehicle,)] = self.rows(
            "api",
            "insert into vehicles (tenant_id, registration, make, model, model_year, kind, fuel, acquired_date,"
            " acquisition_cost_cents, currency, odometer_km)"
            " values (%s, %s, 'Opel', 'Vivaro', 2023, 'van', 'diesel', '2023-04-01', 3200000, 'EUR', 41000)"
            " returning id",
            tenant,
            registration,
            tenant=tenant,
        )
        return vehicle


def act_as(connection: psycopg.Connection[Any], tenant: UUID, reads: list[UUID] | None = None) -> None:
    """Set the caller's tenant for the rest of the transaction."""
    connection.execute(
        "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
        (str(tenant), ",".join(map(str, reads or [tenant]))),
    )


def insert_lead(connection: psycopg.Connection[Any], tenant: UUID, name: str = "Ada Byron") -> UUID:
    row = connection.execute(
        "insert into leads (tenant_id, full_name, email, source, cost_cents, currency)"
        " values (%s, %s, 'ada@example.org', 'web', 1200, 'EUR') returning id",
        (tenant, name),
    ).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def store(db: Address) -> Store:
    return Store(db)


@pytest.fixture
def tenants(store: Store) -> tuple[UUID, UUID]:
    """A and B, strangers to each other."""
    return store.add_tenant("a"), store.add_tenant("b")
