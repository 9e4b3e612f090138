"""The landing zone keeps its word: whole or not there, nothing lost, bad rows set apart with reasons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from warehouse.contracts import Column, Contract
from warehouse.landing import Landing, create_views
from warehouse.landing.zone import replay
from warehouse.settings import Home

READINGS = Contract(
    name="readings",
    deleted_from=("readings",),
    key=("id",),
    day=None,
    columns={
        column.name: column
        for column in (
            Column("id", "int", nullable=False),
            Column("level", "double", nullable=True, min=0, max=100),
            Column("kind", "text", nullable=False, one_of=("a", "b")),
            Column("read_at", "timestamptz", nullable=True),
        )
    },
)
BY_DAY = Contract(
    name="readings", key=("id",), day="read_at", columns=READINGS.columns, deleted_from=("readings",)
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect()
    engine.execute("set TimeZone = 'UTC'")
    return engine


def rows(engine: duckdb.DuckDBPyConnection, values: str) -> None:
    engine.execute(
        "create or replace temp view given as select * from (values "
        + values
        + ") v(id, level, kind, read_at)"
    )


def land(
    home: Home, engine: duckdb.DuckDBPyConnection, contract: Contract = READINGS, **options: object
) -> None:
    with Landing(home).writer("run") as writer, writer.load("source", contract, **options) as load:
        load.add(engine, "given")


def view(home: Home, engine: duckdb.DuckDBPyConnection, built: dict[str, int] | None = None) -> list[tuple]:
    landing = Landing(home)
    create_views(engine, landing.folder, landing.live(), {"readings": READINGS}, built=built)
    return engine.execute(
        "select id, level, kind, _source, _load, _deleted from landing.readings order by id"
    ).fetchall()


def test_good_rows_come_back_as_they_went_in(home, engine):
    rows(engine, "(1, 2.5, 'a', timestamptz '2026-01-02 03:04:05.678901+00'), (2, null, 'b', null)")
    land(home, engine)
    assert view(home, engine) == [(1, 2.5, "a", "source", 1, False), (2, None, "b", "source", 1, False)]
    moment = engine.execute("select read_at from landing.readings where id = 1").fetchone()
    assert moment[0].isoformat() == "2026-01-02T03:04:05.678901+00:00"


def test_bad_rows_are_set_apart_with_every_reason_and_never_stop_the_rest(home, engine):
    rows(
        engine,
        "('1', '2.5', 'a', null), ('x', '-3', 'c', null), ('3', '4', null, null), ('4', 'NaN', 'a', null)",
    )
    land(home, engine)
    assert [row[0] for row in view(home, engine)] == [1]
    (load,) = Landing(home).loads()
    assert (load.rows_read, load.rows_landed, load.rows_quarantined) == (4, 1, 3)
    assert dict(load.reasons) == {
        "id: cannot be read as int": 1,
        "level: below 0": 1,
        "kind: not one of a, b": 1,
        "kind: missing": 1,
        "level: not finite": 1,
    }


def test_quarantined_rows_land_once_the_contract_allows_them(home, engine):
    rows(engine, "(1, 5.0, 'a', null), (2, 500.0, 'a', null), (3, -1.0, 'a', null)")
    land(home, engine)
    wider = dict(READINGS.columns) | {"level": Column("level", "double", nullable=True, min=0)}
    with Landing(home).writer("run") as writer:
        replay(
            writer,
            engine,
            "source",
            Contract(name="readings", key=("id",), day=None, columns=wider, deleted_from=("readings",)),
        )
    assert [row[0] for row in view(home, engine)] == [1, 2]
    pending = Landing(home).pending_quarantine()[("source", "readings")]
    assert sum(part.rows for part in pending) == 1
    assert [load.rows_read - load.rows_landed - load.rows_quarantined for load in Landing(home).loads()] == [
        0,
        0,
    ]


def test_a_quarantined_version_that_was_overtaken_stays_out(home, engine):
    def send(values: str) -> None:
        engine.execute(
            "create or replace temp view given as select *, false as _deleted from (values "
            + values
            + ") v(id, level, kind, read_at, _change_xid)"
        )
        land(home, engine)

    send("(1, 500.0, 'a', null, 10), (2, 500.0, 'a', null, 10)")
    send("(1, 5.0, 'a', null, 11)")
    wider = dict(READINGS.columns) | {"level": Column("level", "double", nullable=True, min=0)}
    with Landing(home).writer("run") as writer:
        load = replay(writer, engine, "source", replace(READINGS, columns=wider))
    assert [row[:2] for row in view(home, engine)] == [(1, 5.0), (2, 500.0)]
    assert (load.rows_read, load.rows_landed, sum(load.reasons.values())) == (1, 1, 1)


def test_rows_are_filed_under_their_own_day(home, engine):
    rows(
        engine,
        "(1, 1.0, 'a', timestamptz '2026-01-02 23:59:59+00'), (2, 1.0, 'a', timestamptz '2026-01-03 00:00:00+00')",
    )
    land(home, engine, BY_DAY)
    days = sorted(path.parent.name for path in home.landing.rglob("*.parquet"))
    assert days == ["day=2026-01-02", "day=2026-01-03"]
    assert [row[0] for row in view(home, engine)] == [1, 2]


def test_a_duplicate_key_in_a_file_is_refused_with_its_reason(home, engine):
    rows(engine, "(1, 1.0, 'a', null), (1, 2.0, 'b', null), (2, 1.0, 'a', null)")
    with Landing(home).writer("run") as writer, writer.load("source", READINGS) as load:
        load.add(engine, "given", unique=True)
    (load,) = Landing(home).loads()
    assert (load.rows_landed, dict(load.reasons)) == (2, {"duplicate key: id": 1})


def test_an_exception_leaves_nothing_behind(home, engine):
    rows(engine, "(1, 1.0, 'a', null)")

    def die_midway() -> None:
        with Landing(home).writer("run") as writer, writer.load("source", READINGS) as load:
            load.add(engine, "given")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        die_midway()
    assert Landing(home).loads() == []
    assert [*home.landing.rglob("*.parquet")] == []


def test_what_a_killed_writer_left_is_swept_and_never_seen(home, engine):
    rows(engine, "(1, 1.0, 'a', null)")
    land(home, engine)
    orphan = next(home.landing.rglob("*.parquet")).with_name("0000000007-1.parquet")
    orphan.write_bytes(b"half")
    assert [row[0] for row in view(home, engine)] == [1]
    with Landing(home).writer("next run"):
        pass
    assert not orphan.exists()
    assert [row[0] for row in view(home, engine)] == [1]


def test_a_full_load_supersedes_what_came_before(home, engine):
    rows(engine, "(1, 1.0, 'a', null), (2, 1.0, 'a', null)")
    land(home, engine)
    rows(engine, "(2, 3.0, 'a', null)")
    land(home, engine, mode="full")
    assert [row[:2] for row in view(home, engine)] == [(2, 3.0)]


def test_an_increment_opens_only_newer_loads(home, engine):
    rows(engine, "(1, 1.0, 'a', null)")
    land(home, engine)
    rows(engine, "(2, 1.0, 'a', null)")
    land(home, engine)
    assert [row[0] for row in view(home, engine, built={"readings": 1})] == [2]


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
def test_a_damaged_file_is_found_before_anybody_reads_it(home, engine, harm):
    rows(engine, "(1, 1.0, 'a', null)")
    land(home, engine)
    path = next(home.landing.rglob("*.parquet"))
    content = bytearray(path.read_bytes())
    if harm == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif harm == "truncate":
        path.write_bytes(content[:-3])
    else:
        path.unlink()
    (damage,) = Landing(home).verify(Landing(home).live())
    assert damage.path.endswith(path.name)
    Landing(home).retire(damage)
    assert Landing(home).live() == []


def test_columns_that_older_files_lack_read_as_empty(home, engine):
    rows(engine, "(1, 1.0, 'a', null)")
    land(home, engine)
    grown = Contract(
        "readings",
        ("id",),
        None,
        {**READINGS.columns, "note": Column("note", "text", nullable=True)},
        ("readings",),
    )
    landing = Landing(home)
    create_views(engine, landing.folder, landing.live(), {"readings": grown})
    assert engine.execute("select id, note from landing.readings").fetchall() == [(1, None)]


def test_a_table_nobody_has_sent_is_an_empty_view(home, engine):
    assert view(home, engine) == []
