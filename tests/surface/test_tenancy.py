"""Tenancy as the database enforces it, for every table in the catalogue: none may be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from serve.kernel import isolation
from serve.kernel.tables import all_tables
from tests.conftest import TestCluster
from tests.serve.small_release import A, B
from tests.surface import tenancy
from warehouse.postgres import Address

ROOT = Path(__file__).parents[2]
TABLES = sorted(
    table.name
    for table in all_tables().tables.values()
    if "tenant_id" in table.columns and table.name != "tombstones"
)


@pytest.fixture(scope="module")
def two_tenants(pg: TestCluster) -> Iterator[Address]:
    """A database in which A and B have a row in every table."""
    address = pg.clone()
    with psycopg.connect(address.url("super")) as connection:
        for tenant, slug in ((A, "a"), (B, "b")):
            connection.execute(
                "insert into tenants (id, slug, name, kind, country, currency)"
                " values (%s, %s, %s, 'fleet', 'DE', 'EUR')",
                (tenant, slug, slug),
            )
            for table in TABLES:
                tenancy.insert_row(connection, table, tenant)
    yield address
    pg.drop(address)


def test_every_tenant_table_is_asked(two_tenants):
    assert set(tenancy.tenant_tables(two_tenants)) == {*TABLES, "tombstones"}


@pytest.mark.parametrize("table", TABLES)
def test_rows_of_others_are_out_of_reach(two_tenants, table):
    tenancy.is_out_of_reach(two_tenants, table, theirs=B, mine=A)
    tenancy.is_refused_for_others(two_tenants, table, theirs=B, mine=A)


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"score_batches"}))
def test_row_security_is_forced(two_tenants, table):
    if table in isolation.UNREACHED:
        pytest.skip("no rights for runtime roles; reached through security-definer functions")
    tenancy.is_forced(two_tenants, table)


def test_views_run_with_the_rights_of_who_asks(two_tenants):
    tenancy.views_run_as_who_asks(two_tenants)


def test_runtime_roles_are_neither_owners_nor_superusers(two_tenants):
    tenancy.runtime_roles_are_nobody_special(two_tenants)


def test_a_connection_returned_to_the_pool_carries_no_tenant(two_tenants):
    tenancy.connections_carry_no_tenant(two_tenants, A)


def test_nothing_in_the_service_sets_state_for_a_session():
    """A setting that outlives its transaction would go on with the pooled connection."""
    kept = re.compile(
        r"set_config\([^()]*,\s*false\s*\)|\bset\s+session\b(?!_)|[\"'(;]\s*set\s+app\.|\bset\s+role\b(?!\s*=)",
        re.IGNORECASE,
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted(ROOT.glob("serve/**/*"))
        if path.suffix in (".py", ".sql") and "migrations/env.py" not in str(path)
        for match in kept.finditer(path.read_text())
    ]
    assert found == []
