"""Increments take what is new, give what a full build gives, and leave alone what did not change."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.transform.needed import PREDICTED, needed
from tests.transforms.line import Line, project
from warehouse import duck
from warehouse.contracts import Column, Contract

TENANT, VEHICLE, OTHER = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def ident(number: int) -> str:
    return str(uuid.UUID(int=1000 + number))


def reading(number: int, hour: float, *, vehicle: str = VEHICLE, **values: Any) -> dict[str, Any]:
    moment = MONDAY + timedelta(hours=hour)
    return {"id": ident(number), "tenant_id": TENANT, "vehicle_id": vehicle, "recorded_at": moment, **values}


def trip(number: int, hour: float, *, distance_km: float) -> dict[str, Any]:
    moment = MONDAY + timedelta(hours=hour)
    row = {"id": ident(number), "tenant_id": TENANT, "vehicle_id": VEHICLE, "started_at": moment}
    return row | {"distance_km": distance_km, "idle_s": 0}


def zone(number: int, name: str) -> dict[str, Any]:
    return {"id": ident(number), "tenant_id": TENANT, "name": name, "city": "Lyon", "country": "FR"}


class TestStaging:
    """By the example of zones: every staging model is built by the same two macros."""

    def names(self, line: Line, *, full_refresh: bool = False) -> list[str]:
        line.build("stg_zones", full_refresh=full_refresh)
        return line.read("select name from staging.stg_zones order by name")["name"].to_list()

    def test_an_increment_adds_changes_and_removes(self, line: Line) -> None:
        line.load("zones", [zone(1, "north"), zone(2, "south"), zone(3, "east")])
        assert self.names(line) == ["east", "north", "south"]
        line.load("zones", [zone(2, "south-west"), zone(4, "west")], deleted=[ident(3)])
        assert self.names(line) == ["north", "south-west", "west"]
        assert self.names(line) == ["north", "south-west", "west"]  # nothing new

    @pytest.mark.parametrize("first_build", [True, False])
    def test_the_last_of_several_versions_in_one_build_counts(self, line: Line, first_build: bool) -> None:
        if not first_build:
            line.load("zones", [zone(9, "old")])
            line.build("stg_zones")
        line.load("zones", [zone(1, "draft"), zone(2, "short-lived")])
        line.load("zones", [zone(1, "final"), zone(3, "new")], deleted=[ident(2)])
        assert self.names(line) == ["final", "new"] + ([] if first_build else ["old"])

    @pytest.mark.parametrize("full_refresh", [True, False])
    def test_an_old_version_out_of_quarantine_does_not_replace_a_newer_one(
        self, line: Line, full_refresh: bool
    ) -> None:
        line.load("zones", [zone(1, "newer")], change_xid=20)
        line.build("stg_zones")
        line.load("zones", [zone(1, "older"), zone(2, "only known from quarantine")], change_xid=10)
        assert self.names(line, full_refresh=full_refresh) == ["newer", "only known from quarantine"]

    def test_files_have_no_transactions_and_the_later_load_counts(self, line: Line) -> None:
        frame = pl.DataFrame([zone(1, "first")])
        for name in ("first", "second", "third"):
            line.load("zones", frame.with_columns(name=pl.lit(name)), source="a_file")
            assert self.names(line) == [name]
        assert self.names(line, full_refresh=True) == ["third"]


class TestVehicleDays:
    MODELS = ("stg_telemetry", "stg_trips", "fct_vehicle_days")

    def days(self, line: Line, columns: str) -> list[tuple[Any, ...]]:
        line.build(*self.MODELS)
        return line.read(
            f"select {columns} from marts.fct_vehicle_days order by recorded_date, vehicle_id"
        ).rows()

    def test_a_day_sums_up_its_readings_and_trips(self, line: Line) -> None:
        vibrations = [(8, 1.0), (11.5, 2.0), (12, 4.0), (13.9, None)]
        line.load("telemetry", [reading(n, hour, vibration_mm_s=v) for n, (hour, v) in enumerate(vibrations)])
        line.load("trips", [trip(10, 23.5, distance_km=80.5), trip(11, 24.5, distance_km=3)])
        columns = (
            "recorded_date, reading_count, trip_count, distance_km, vibration_mm_s_count, vibration_mm_s_mean"
        )
        assert self.days(line, columns) == [
            (date(2026, 3, 2), 4, 1, 80.5, 3, pytest.approx(7 / 3)),
            (date(2026, 3, 3), 0, 1, 3.0, None, None),
        ]
        # Three hours back from 13:54 begin after 10:54; the deviation is the sample's.
        found = line.read("select vibration_mm_s_mean_3h, vibration_mm_s_sd from marts.fct_vehicle_days").row(
            0
        )
        assert found == (3.0, pytest.approx((7 / 3) ** 0.5))

    def test_only_days_on_which_something_changed_are_made_anew(self, line: Line) -> None:
        line.load("telemetry", [reading(day, 24 * day + 1, error_code="E1") for day in range(5)])
        line.load("trips", [trip(10, 1, distance_km=5)])
        line.build(*self.MODELS)
        line.execute(
            "update marts.fct_vehicle_days set error_count = -1"
        )  # a mark that a new build wipes out
        line.load("telemetry", [reading(20, 30, error_code="E2")])
        line.load("trips", [trip(10, 80, distance_km=5)])  # was on the first day
        assert self.days(line, "recorded_date - date '2026-03-02', error_count, trip_count") == [
            (0, 1, 0),
            (1, 2, 0),
            (2, -1, 0),
            (3, 1, 1),
            (4, -1, 0),
        ]

    def test_what_is_deleted_leaves_its_day_and_an_empty_day_goes(self, line: Line) -> None:
        line.load("telemetry", [reading(1, 1), reading(2, 2), reading(3, 30), reading(4, 1, vehicle=OTHER)])
        line.build(*self.MODELS)
        line.load("telemetry", deleted=[ident(1), ident(3), ident(4)])
        assert self.days(line, "vehicle_id, recorded_date, reading_count") == [(VEHICLE, MONDAY.date(), 1)]


SELDOM = {"deleted_at", "merged_into_id"}
"""Or hardly a row would be left to count."""


def some_value(name: str, column: Column, chance: random.Random) -> Any:
    """A value that keeps the contract; references are to few of the first rows, so that some meet."""
    if column.nullable and chance.random() < (0.7 if name in SELDOM else 0.2):
        return None
    if column.one_of:
        return chance.choice(column.one_of)
    low, high = column.min if column.min is not None else -50, column.max if column.max is not None else 500
    match column.type:
        case "uuid":
            return ident(chance.randrange(12))
        case "int" | "bigint":
            return chance.randint(int(low), int(min(high, low + 500)))
        case "double":
            return chance.uniform(low, high)
        case "bool":
            return chance.random() < 0.5
        case "timestamptz":
            return MONDAY + timedelta(seconds=chance.uniform(0, 20 * 86400))
        case "date":
            return (MONDAY + timedelta(days=chance.randrange(20))).date()
        case "json":
            return json.dumps({"n": chance.randrange(9)})
    return f"{name} {chance.randrange(9)}"


def some_row(contract: Contract, ident: str, chance: random.Random) -> dict[str, Any]:
    return {name: some_value(name, column, chance) for name, column in contract.columns.items()} | {
        "id": ident
    }


SOFTLY = {
    *("leads", "lead_activities", "tickets", "ticket_replies", "sla_policies"),
    *("quotes", "calls", "review_requests"),
}


class TestIncrementsEqualAFullBuild:
    LOADS_BEFORE_EACH_BUILD, ROWS = (2, 2, 1), 40

    def everything(
        self, line: Line, schemas: Sequence[str] = ("staging", "marts")
    ) -> dict[str, pl.DataFrame]:
        """Every table of these schemas, its rows in one order."""
        names = [f"{schema}.{name}" for schema in schemas for name in line.tables(schema)]
        with duck.connect(line.home) as connection:
            return {
                name: pl.DataFrame(connection.sql(f"select * from {name} order by all").to_arrow_table())
                for name in names
            }

    def change(
        self,
        line: Line,
        tables: Iterable[str],
        alive: dict[str, set[str]],
        numbers: dict[str, Iterator[int]],
        chance: random.Random,
    ) -> None:
        """A load of each table: new rows, new versions of some, some deleted; now and then only deletes."""
        for table in tables:
            contract = line.contracts[table]
            known = sorted(alive[table])
            gone = chance.sample(known, len(known) // 8)
            kept = sorted(alive[table] - set(gone))
            new = [ident(next(numbers[table])) for _ in range(self.ROWS)]
            changed = [] if chance.random() < 0.2 else chance.sample(kept, len(kept) // 5) + new
            if gone or changed:
                of_two = (
                    {"tenant_id": lambda: ident(chance.randrange(2))}
                    if "tenant_id" in contract.columns
                    else {}
                )
                rows = [
                    some_row(contract, key, chance) | {name: draw() for name, draw in of_two.items()}
                    for key in changed
                ]
                line.load(table, rows, deleted=gone)
            alive[table] = set(kept) | set(changed)

    @pytest.mark.parametrize("seed", [10])  # one whose draw leaves rows in every table: see below
    def test_row_for_row_and_bit_for_bit(self, line: Line, seed: int) -> None:
        chance = random.Random(seed)
        alive: dict[str, set[str]] = {table: set() for table in line.contracts}
        numbers = {table: itertools.count() for table in line.contracts}
        models = ("staging", "marts.dims", "marts.facts")
        for loads in self.LOADS_BEFORE_EACH_BUILD:
            for _ in range(loads):
                self.change(line, line.contracts, alive, numbers, chance)
            line.build(*models)
        incremental = self.everything(line)
        line.build(*models, full_refresh=True)
        full = self.everything(line)

        assert incremental.keys() == full.keys()
        assert len(full) > 45
        for name, frame in full.items():
            assert frame.height > 0, name
            assert incremental[name].equals(frame), name
        for table, keys in alive.items():
            count = full[f"staging.stg_{table}"].height
            # Of some tables staging leaves out what was deleted in the store: tests/pipelines/test_soft_deletion.py.
            assert (0 < count < len(keys)) if table in SOFTLY else (count == len(keys)), table

    @pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.torture) for n in range(2, 12))])
    def test_models_that_nothing_new_reaches_may_stay_as_they_are(self, line: Line, seed: int) -> None:
        chance = random.Random(seed)
        alive: dict[str, set[str]] = {table: set() for table in line.contracts}
        numbers = {table: itertools.count() for table in line.contracts}
        manifest = project().writable_manifest().to_dict()
        self.change(line, line.contracts, alive, numbers, chance)
        line.build("fqn:*", "--exclude", f"tag:{PREDICTED}")
        schemas = ("staging", "intermediate", "features", "marts")
        for always in ({"telemetry", "work_orders"}, set()):
            changed = sorted(always | set(chance.sample([*line.contracts], 3)))
            self.change(line, changed, alive, numbers, chance)
            todo = needed(manifest, changed)
            assert todo.kept
            line.build(*todo.names)
        incremental = self.everything(line, schemas)
        line.build("fqn:*", "--exclude", f"tag:{PREDICTED}", full_refresh=True)
        full = self.everything(line, schemas)
        assert len(full) > 80
        assert incremental.keys() == full.keys()
        different = {}
        for name, frame in full.items():
            try:
                assert_frame_equal(incremental[name], frame)  # close: sums of doubles
            except AssertionError as difference:
                different[name] = str(difference)
        assert not different
