"""A source's tenant in PostgreSQL, and the files asset that lands and registers."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial

import argon2
import dagster as dg
import psycopg
import pytest

from pipelines.sources import assets, drop
from pipelines.sources.tenants import register_tenant
from tests.pipelines.sources.shop import HEADER, ROWS, Shop
from warehouse.postgres import Address
from warehouse.settings import read_json, write_json


def ask(address: Address, query: str, *values: object) -> list[tuple]:
    with psycopg.connect(address.url("super")) as connection:
        return connection.execute(query, values).fetchall()


def logins(shop: Shop) -> list[dict[str, str]]:
    return read_json(shop.home.root / "demo_logins.json")


def test_the_analyst_can_log_in_and_sees_the_tenant(shop, db):
    assert register_tenant(db, shop.home, shop.profile)
    (login,) = logins(shop)
    assert (login["tenant"], login["email"], login["role"]) == ("shop", "analyst@shop.example", "viewer")
    ((user_id, password_hash),) = ask(
        db, "select id, password_hash from auth_user_by_email(%s)", login["email"]
    )
    assert argon2.PasswordHasher().verify(password_hash, login["password"])
    assert ask(db, "select tenant_id, slug, kind, role, currency from auth_memberships(%s)", user_id) == [
        (shop.profile.tenant.id, "shop", "source", "viewer", "EUR")
    ]


def test_again_changes_nothing_and_keeps_the_password(shop, db):
    register_tenant(db, shop.home, shop.profile)
    before = logins(shop), ask(db, "select change_xid from tenants")
    assert not register_tenant(db, shop.home, shop.profile)
    assert (logins(shop), ask(db, "select change_xid from tenants")) == before


def test_other_logins_are_kept(shop, db):
    other = {"tenant": "demo", "email": "anna@demo.example", "password": "x", "role": "owner"}
    write_json(shop.home.root / "demo_logins.json", [other])
    register_tenant(db, shop.home, shop.profile)
    assert [entry["tenant"] for entry in logins(shop)] == ["demo", "shop"]


def test_no_log_in_without_a_kept_password(shop, db):
    (shop.home.root / "demo_logins.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        register_tenant(db, shop.home, shop.profile)
    assert ask(db, "select count(*) from users") == [(0,)]


class TestAsset:
    @pytest.fixture
    def materialize(self, shop, db, monkeypatch):
        @contextmanager
        def database(home):
            yield db

        monkeypatch.setattr(assets, "HOME", shop.home)
        monkeypatch.setattr(assets, "database", database)
        monkeypatch.setattr(assets, "load_profiles", lambda: shop.profiles)
        monkeypatch.setattr(assets, "process_drop", partial(drop.process_drop, settled_s=0.0))
        for module in ("ingest", "drop"):
            monkeypatch.setattr(f"pipelines.sources.{module}.load_profiles", lambda: shop.profiles)

        def run(folder: str | None) -> dg.ExecuteInProcessResult:
            config = {"ops": {"sources__files": {"config": {"folder": folder}}}}
            return dg.materialize([assets.files], run_config=config)

        return run

    def test_it_lands_registers_and_tells(self, shop, db, materialize):
        shop.put(HEADER + ROWS + "4,Dora,yesterday,1\n")
        result = materialize(str(shop.sources))
        (event,) = result.asset_materializations_for_node("sources__files")
        assert event.metadata["dagster/row_count"].value == 2 + 3 + 1
        assert event.metadata["rows_quarantined"].value == 1
        assert event.metadata["shop"].value["tables"]["invoices"]["reasons"] == {
            "issued_at: cannot be read as timestamptz": 1
        }
        assert {c.check_name: c.passed for c in result.get_asset_check_evaluations()} == {
            assets.ACCOUNTED: True,
            assets.TAKEN: True,
        }
        assert ask(db, "select slug from tenants") == [("shop",)]

    def test_a_refused_file_warns_and_fails_nothing(self, shop, db, materialize):
        shop.put("broken")
        result = materialize(str(shop.sources))
        assert result.success
        taken = next(c for c in result.get_asset_check_evaluations() if c.check_name == assets.TAKEN)
        assert not taken.passed
        assert taken.severity == dg.AssetCheckSeverity.WARN
        assert "orders.csv" in str(taken.metadata["problems"].value)
        assert ask(db, "select count(*) from tenants") == [(0,)]

    def test_without_a_folder_it_looks_into_the_drop_folder(self, shop, materialize):
        place = shop.home.drop / "shop"
        place.mkdir()
        (place / "orders.csv").write_text(HEADER + ROWS)
        materialize(None)
        assert shop.numbers == ["1", "2", "3"]
        materialize(None)
        assert [path.name for path in shop.home.drop.rglob("*.csv")] == ["orders.csv"]
