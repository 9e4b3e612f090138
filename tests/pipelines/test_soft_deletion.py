"""What somebody deletes in the store leaves the warehouse's lists and counts, and comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.ingest.operational import extract
from pipelines.transform.needed import identity, needed
from pipelines.transform.warehouse_state import mark_built, prepare
from tests.transforms.line import Line, project
from warehouse.postgres import Address

MOMENT = datetime(2026, 5, 4, 9, tzinfo=UTC)
PREDICT = """
    delete from ml.account_churn;
    insert into ml.account_churn select tenant_id, account_id, max(as_of_date), 0.4, '[]', 'v1'
    from features.account_months group by all;
"""


class Business:
    """A store with two customers and two vans, and the line that reads it."""

    def __init__(self, address: Address, folder: Path) -> None:
        self.address, self.line = address, Line(folder)
        self.store = psycopg.connect(address.url("super"), autocommit=True)
        self.manifest = project().writable_manifest().to_dict()
        self.tenant = self.add("tenants", slug="t", name="T", kind="fleet", country="DE", currency="EUR")
        self.north, self.south = (self.customer(name) for name in ("North", "South"))
        self.old, self.new = (self.van(registration) for registration in ("OLD 1", "NEW 1"))
        self.warm, self.cold = (self.lead(source) for source in ("fair", "web"))

    def add(self, table: str, **values: Any) -> Any:
        if table != "tenants":
            values["tenant_id"] = self.tenant
        places = ", ".join(["%s"] * len(values))
        statement = f"insert into {table} ({', '.join(values)}) values ({places}) returning id"
        row = self.store.execute(statement, [*values.values()]).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return row[0]

    def customer(self, name: str) -> Any:
        account = self.add(
            "accounts", kind="company", name=name, segment="smb", country="DE", since_date="2026-01-10"
        )
        amounts = {"net_cents": 100, "tax_cents": 19, "total_cents": 119, "currency": "EUR"}
        self.add(
            "invoices",
            account_id=account,
            number=name,
            status="paid",
            issued_at=MOMENT,
            paid_at=MOMENT,
            **amounts,
        )
        return account

    def van(self, registration: str) -> Any:
        kind = {
            "make": "M",
            "model": "M",
            "model_year": 2024,
            "kind": "van",
            "fuel": "diesel",
            "odometer_km": 0,
        }
        bought = {"acquired_date": "2026-01-10", "acquisition_cost_cents": 6_000, "currency": "EUR"}
        van = self.add("vehicles", registration=registration, **kind, **bought)
        drawn = {"litres": 40, "price_cents": 7_000, "currency": "EUR", "odometer_km": 10}
        self.add("fuel_logs", vehicle_id=van, filled_at=MOMENT, **drawn)
        return van

    def lead(self, name: str) -> Any:
        lead = self.add("leads", full_name=name, source=name, cost_cents=0, currency="EUR", created_at=MOMENT)
        self.add("lead_activities", lead_id=lead, kind="call", happened_at=MOMENT)
        return lead

    def delete(self, table: str, row: Any) -> None:
        self.store.execute(f"update {table} set deleted_at = now() where id = %s", [row])  # type: ignore[arg-type]

    def restore(self, table: str, row: Any) -> None:
        self.store.execute(f"update {table} set deleted_at = null where id = %s", [row])  # type: ignore[arg-type]

    def run(self) -> bool:
        """What a run of the pipeline does, but for learning; whether it built everything."""
        with self.line.landing.writer("run") as writer:
            extract(self.address, writer, self.line.contracts)
        known = identity(self.manifest)
        work = prepare(self.line.home, project=known)
        todo = needed(self.manifest, work.changed)
        if work.full:
            self.line.dbt("run", "--exclude", "tag:predicted", "--full-refresh")
        elif todo.names:
            self.line.dbt("run", "--select", *todo.names)
        mark_built(self.line.home, self.line.landing.live(), project=known)
        self.line.execute(PREDICT)
        self.line.dbt("run", "--select", "tag:predicted")
        return work.full

    def names(self, table: str, column: str = "account_name") -> list[str]:
        return self.line.read(f"select {column} from marts.{table} order by 1")[column].to_list()

    def today(self, *measures: str) -> tuple[int, ...]:
        query = f"select {', '.join(measures)} from marts.kpi_daily order by date desc limit 1"
        return self.line.read(query).row(0)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            f"{schema}.{name}": self.line.read(f"select * from {schema}.{name} order by all").rows()
            for schema in ("staging", "intermediate", "features", "marts")
            for name in self.line.tables(schema)
        }


@pytest.fixture
def business(db: Address, tmp_path: Path):
    business = Business(db, tmp_path)
    yield business
    business.store.close()


def test_what_is_deleted_leaves_lists_counts_and_scores_and_comes_back(business):
    """By increments, which give row for row what a full build gives."""
    counts, money = (
        ("active_account_count", "vehicle_count"),
        ("invoice_count", "revenue_cents", "fuel_cost_cents"),
    )
    assert business.run()
    assert business.names("churn_risk") == business.names("top_clients") == ["North", "South"]
    assert business.today(*counts) == (2, 2)
    assert business.names("fct_leads", "source") == ["fair", "web"]
    booked = business.today(*money)
    assert booked == (2, 200, 14_000)

    business.delete("accounts", business.south)
    business.delete("vehicles", business.old)
    business.delete("leads", business.warm)
    assert not business.run()
    assert business.names("churn_risk") == business.names("top_clients") == ["North"]
    assert business.names("dim_vehicles", "registration") == ["NEW 1"]
    assert business.names("fct_leads", "source") == ["web"]
    assert business.today(*counts) == (1, 1)
    assert business.line.read("select count(distinct account_id) from features.account_months").item() == 1
    assert business.today(*money) == booked
    assert set(business.names("roi", "subject_name")) == {"NEW 1", "OLD 1", "web"}  # what it cost was spent

    by_increment = business.everything()
    business.line.home.warehouse_file.unlink()
    assert business.run()
    assert by_increment == business.everything()

    business.restore("accounts", business.south)
    business.restore("vehicles", business.old)
    business.restore("leads", business.warm)
    assert not business.run()
    assert business.names("churn_risk") == ["North", "South"]
    assert business.names("fct_leads", "source") == ["fair", "web"]
    assert business.today(*counts) == (2, 2)


def test_a_row_deleted_before_the_column_was_read_is_found_by_the_next_run(business):
    """A home landed by an earlier version, whose files lack the column: it goes on, and reads the tables once anew."""
    business.delete("accounts", business.south)
    contracts = business.line.contracts
    with business.line.landing.writer("earlier") as writer:
        extract(
            business.address, writer, {name: without(each, "deleted_at") for name, each in contracts.items()}
        )
    business.run()
    assert business.names("churn_risk") == ["North"]
    newest = {load.table: load for load in business.line.landing.live()}
    assert {newest[table].mode for table in ("accounts", "vehicles")} == {"full"}
    assert business.today("invoice_count") == (2,)

    loads = len(business.line.landing.loads())
    business.delete("accounts", business.north)
    assert not business.run()
    assert {load.mode for load in business.line.landing.loads()[loads:]} == {"incremental"}
    assert business.names("churn_risk") == []


def without(contract, column):
    columns = {name: each for name, each in contract.columns.items() if name != column}
    return type(contract)(contract.name, contract.key, contract.day, columns, contract.deleted_from)
