"""Extraction from PostgreSQL: late commits, deletes, restored clusters, exact types, several connections."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import duckdb
import psycopg
import pytest

from pipelines.ingest import operational
from pipelines.ingest.operational import extract
from pipelines.ingest.upkeep import archive_telemetry
from warehouse.contracts import load_contracts
from warehouse.landing import Damage, Landing, create_views
from warehouse.landing.zone import replay
from warehouse.postgres import Address
from warehouse.settings import Home

CONTRACTS = {
    name: contract
    for name, contract in load_contracts().items()
    if name in ("tenants", "zones", "telemetry", "vehicles")
}


class Store:
    """A database with one tenant, and the landing zone it is read into."""

    def __init__(self, address: Address, home: Home) -> None:
        self.address, self.home = address, home
        self.connection = psycopg.connect(address.url("super"), autocommit=True)
        self.tenant = self.value(
            "insert into tenants (slug, name, kind, country, timezone, currency)"
            " values ('t', 'T', 'fleet', 'DE', 'Europe/Berlin', 'EUR') returning id"
        )

    def value(self, statement: str, *values: object):
        return self.connection.execute(statement, values).fetchone()[0]

    def zone(self, name: str, connection: psycopg.Connection | None = None) -> uuid.UUID:
        statement = (
            "insert into zones (tenant_id, name, city, country) values (%s, %s, 'X', 'DE') returning id"
        )
        return (connection or self.connection).execute(statement, [self.tenant, name]).fetchone()[0]

    def ingest(self, **options: object):
        with Landing(self.home).writer("run") as writer:
            return extract(self.address, writer, CONTRACTS, **options)

    def zones(self) -> list[str]:
        """Names as the warehouse would know them: the newest version of each key, without the deleted."""
        with duckdb.connect() as engine:
            landing = Landing(self.home)
            create_views(engine, landing.folder, landing.live(), CONTRACTS)
            return [
                name
                for (name,) in engine.execute(
                    "select name from (select * from landing.zones qualify row_number() over"
                    " (partition by id order by _load desc, _change_xid desc) = 1) where not _deleted order by name"
                ).fetchall()
            ]

    def landed(self, table: str = "zones") -> int:
        return sum(load.rows_landed for load in Landing(self.home).live() if load.table == table)


@pytest.fixture
def store(db: Address, tmp_path: Path):
    store = Store(db, Home(tmp_path / "home").create())
    yield store
    store.connection.close()


def test_a_transaction_open_across_two_runs_is_neither_lost_nor_doubled(store):
    with psycopg.connect(store.address.url("super")) as slow:
        store.zone("slow", slow)
        store.zone("quick")  # commits with a higher transaction id than the one still open
        store.ingest()
        assert store.zones() == ["quick"]
        store.ingest()
        slow.commit()
    store.ingest()
    assert store.zones() == ["quick", "slow"]
    before = store.landed()
    store.ingest()
    assert store.landed() == before


def test_updates_replace_and_deletes_arrive(store):
    kept, gone = store.zone("kept"), store.zone("gone")
    store.ingest()
    store.connection.execute("update zones set name = 'renamed' where id = %s", [kept])
    store.connection.execute("delete from zones where id = %s", [gone])
    store.ingest()
    assert store.zones() == ["renamed"]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_load_taken_out_is_read_again_though_later_ones_are_there(store, lost):
    names = ["first", "second", "third"]
    for name in names:
        store.zone(name)
        store.ingest()
    landing = Landing(store.home)
    load = [load for load in landing.live() if load.table == "zones"][lost]
    with landing.writer("repair"):
        landing.retire(Damage(load, load.parts[0].path, "broken"))
    assert store.zones() == sorted(set(names) - {names[lost]})
    store.ingest()
    assert store.zones() == sorted(names)
    store.zone("fourth")
    store.ingest()
    assert store.landed() == {0: 4, 1: 5, 2: 4}[lost]  # the gap and what follows it, once


def test_an_extraction_goes_on_after_quarantined_rows_were_tried_again(store):
    store.ingest()
    store.connection.execute("alter table zones drop constraint if exists zones_latitude_check")
    store.connection.execute(
        "insert into zones (tenant_id, name, city, country, latitude) values (%s, 'off the map', 'X', 'DE', 200)",
        [store.tenant],
    )
    (load,) = store.ingest()
    assert load.rows_quarantined == 1
    with Landing(store.home).writer("replay") as writer, duckdb.connect() as engine:
        assert replay(writer, engine, operational.SOURCE, CONTRACTS["zones"]).rows_quarantined == 1
    store.zone("on the map")
    store.ingest()
    assert store.zones() == ["on the map"]
    assert store.landed() == 1


def test_another_cluster_history_means_everything_is_read_again(store, monkeypatch):
    store.zone("a")
    store.ingest()
    last = {load.table: load for load in Landing(store.home).live()}["zones"]
    moved = operational.Snapshot("s", last.watermark["high"] + 5, "another cluster")
    assert operational.plan(moved, last.watermark).mode == "full"
    set_back = operational.Snapshot("s", last.watermark["high"] - 1, last.watermark["cluster"])
    assert operational.plan(set_back, last.watermark).mode == "full"
    on = operational.Snapshot("s", last.watermark["high"] + 5, last.watermark["cluster"])
    assert operational.plan(on, last.watermark) == operational.Range(
        last.watermark["high"], last.watermark["high"] + 5, "incremental"
    )


def test_reading_in_full_again_gives_the_same_rows(store):
    for name in ("a", "b", "c"):
        store.zone(name)
    store.ingest()
    store.ingest(full=True)
    assert store.zones() == ["a", "b", "c"]
    assert store.landed() == 3


def test_late_readings_land_on_their_own_day(store):
    store.value("select ensure_telemetry_partitions('2026-01-01', '2026-03-01')")
    vehicle = store.value(
        "insert into vehicles (tenant_id, registration, make, model, model_year, kind, fuel, status, acquired_date,"
        " acquisition_cost_cents, currency, odometer_km) values (%s, 'X', 'M', 'M', 2020, 'van', 'diesel', 'active',"
        " '2020-01-01', 1, 'EUR', 0) returning id",
        store.tenant,
    )
    insert = "insert into telemetry (tenant_id, vehicle_id, recorded_at, speed_kmh) values (%s, %s, %s, 1)"
    store.connection.execute(insert, [store.tenant, vehicle, "2026-02-10 10:00+00"])
    store.ingest()
    store.connection.execute(insert, [store.tenant, vehicle, "2026-01-05 10:00+00"])
    store.ingest()
    days = sorted(
        path.parent.name for path in (store.home.landing / "operational" / "telemetry").rglob("*.parquet")
    )
    assert days == ["day=2026-01-05", "day=2026-02-10"]


def test_large_tables_are_read_in_slices_by_several_connections(store, monkeypatch):
    store.connection.execute(
        "insert into zones (tenant_id, name, city, country)"
        " select %s, 'z' || g, 'X', 'DE' from generate_series(1, 5000) g",
        [store.tenant],
    )
    monkeypatch.setattr(operational, "SPLIT_PAGES", 10)
    monkeypatch.setattr(operational, "CHUNK_ROWS", 700)
    loads = {load.table: load for load in store.ingest(connections=3)}
    assert loads["zones"].rows_landed == 5000
    assert len(loads["zones"].parts) > 5
    assert len(store.zones()) == 5000


def test_a_snapshot_that_holds_other_rows_than_arrived_is_not_committed(store, monkeypatch):
    store.zone("a")
    monkeypatch.setattr(operational, "_count", lambda *_: 99)
    with pytest.raises(operational.CountsDiffer):
        store.ingest()
    assert Landing(store.home).loads() == []


def test_an_infinite_time_is_set_apart_not_garbled(store):
    store.zone("a")
    store.connection.execute("update zones set created_at = 'infinity'")
    store.ingest()
    load = next(load for load in Landing(store.home).live() if load.table == "zones")
    assert (load.rows_landed, dict(load.reasons)) == (0, {"created_at: no calendar time": 1})


class TestArchive:
    """Old months of readings leave the operational table once they have landed; nothing gets lost."""

    @pytest.fixture
    def readings(self, store):
        """A van with one reading in each of three months, landed."""
        store.value("select ensure_telemetry_partitions('2023-01-01', '2023-03-31')")
        self.van = store.value(
            "insert into vehicles (tenant_id, registration, make, model, model_year, kind, fuel, acquired_date,"
            " acquisition_cost_cents, currency, odometer_km)"
            " values (%s, 'A', 'B', 'C', 2022, 'van', 'diesel', '2022-01-01', 1, 'EUR', 1) returning id",
            store.tenant,
        )
        for day in ("2023-01-15", "2023-02-15", "2023-03-15"):
            self.read(store, day)
        store.ingest()
        return store

    def read(self, store, day: str, connection: psycopg.Connection | None = None) -> None:
        insert = "insert into telemetry (tenant_id, vehicle_id, recorded_at) values (%s, %s, %s)"
        (connection or store.connection).execute(insert, [store.tenant, self.van, day])

    def archive(self, store, months: int = 12) -> list[str]:
        return archive_telemetry(store.address, Landing(store.home), months=months)

    def days(self, store) -> list[str]:
        with duckdb.connect() as engine:
            landing = Landing(store.home)
            create_views(engine, landing.folder, landing.live(), CONTRACTS)
            rows = engine.execute(
                "select strftime(recorded_at, '%Y-%m-%d') from (from landing.telemetry"
                " qualify row_number() over (partition by id order by _load desc) = 1) order by all"
            )
            return [day for (day,) in rows.fetchall()]

    def test_what_has_landed_leaves_the_table_and_is_read_again_when_all_is(self, readings):
        assert self.archive(readings) == [
            f"archived_telemetry_2023_{month}_1" for month in ("01", "02", "03")
        ]
        assert readings.value("select count(*) from telemetry") == 0
        readings.ingest()
        assert self.days(readings) == ["2023-01-15", "2023-02-15", "2023-03-15"]
        readings.ingest(full=True)
        assert self.days(readings) == ["2023-01-15", "2023-02-15", "2023-03-15"]
        assert self.archive(readings) == []

    def test_a_month_with_news_stays(self, readings):
        self.read(readings, "2023-02-20")
        assert self.archive(readings) == ["archived_telemetry_2023_01_1", "archived_telemetry_2023_03_1"]
        readings.ingest()
        assert self.archive(readings) == ["archived_telemetry_2023_02_1"]

    def test_a_month_that_somebody_is_writing_to_stays(self, readings):
        with psycopg.connect(readings.address.url("super")) as writer:
            self.read(readings, "2023-02-20", writer)
            assert "archived_telemetry_2023_02_1" not in self.archive(readings)
        readings.ingest()
        assert len(self.days(readings)) == 4

    def test_late_readings_of_an_archived_month_find_a_place(self, readings):
        self.archive(readings)
        readings.value("select ensure_telemetry_partitions('2023-01-01', '2023-01-31')")
        self.read(readings, "2023-01-20")
        readings.ingest()
        assert self.archive(readings) == ["archived_telemetry_2023_01_2"]
        readings.ingest(full=True)
        assert self.days(readings) == ["2023-01-15", "2023-01-20", "2023-02-15", "2023-03-15"]

    def test_nothing_leaves_that_is_not_old_or_never_landed(self, readings):
        assert self.archive(readings, months=1200) == []
        assert self.archive(readings, months=0) == []
        shutil.rmtree(readings.home.landing)
        assert self.archive(readings) == []
