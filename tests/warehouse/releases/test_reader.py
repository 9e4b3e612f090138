"""What readers are promised: whole releases, their own tenant's rows, limits that hold."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.releases.numbered import ACME, BOLT, ROWS
from warehouse.releases import (
    QueryTimeout,
    ReleaseInfo,
    ReleaseNotFound,
    ReleaseReader,
    SqlRefused,
    TooManyRows,
    rollback,
)

Publish = Callable[[int], ReleaseInfo]
ENDLESS = "select count(*) from range(2000000) a(x), range(2000000) b(y) where x + y = $nothing"


class TestTenants:
    def test_each_sees_its_own_rows(self, publish_number: Publish, reader: ReleaseReader) -> None:
        publish_number(1)
        for _ in range(3):  # the later rounds reuse cursors
            for tenant, expected in ROWS.items():
                rows = reader.fetch(tenant, "select tenant_id, count(*) from marts.sales group by all").rows
                assert rows == [(tenant, expected)]

    def test_an_unknown_tenant_sees_nothing_but_what_all_share(
        self, publish_number: Publish, reader: ReleaseReader
    ) -> None:
        publish_number(1)
        stranger = uuid.uuid4()
        assert reader.fetch(stranger, "from marts.sales").rows == []
        assert len(reader.fetch(stranger, "from marts.calendar").rows) == 31

    @pytest.mark.parametrize("tenant", ["", "acme", "' or true --"])
    def test_a_tenant_is_a_uuid(self, publish_number: Publish, reader: ReleaseReader, tenant: str) -> None:
        publish_number(1)
        with pytest.raises(ValueError, match="UUID"):
            reader.fetch(tenant, "from marts.sales")

    def test_sessions_of_two_tenants_do_not_mix(self, publish_number: Publish, reader: ReleaseReader) -> None:
        publish_number(1)
        count = "select count(*) from marts.sales"
        with reader.query(ACME) as acme, reader.query(BOLT) as bolt:
            for _ in range(2):
                assert acme.fetch(count).rows == [(ROWS[ACME],)]
                assert bolt.fetch(count).rows == [(ROWS[BOLT],)]


class TestAnswers:
    def test_rows_and_arrow_agree_in_one_session(
        self, publish_number: Publish, reader: ReleaseReader
    ) -> None:
        publish_number(1)
        sql = (
            "select sold_date, sum(amount_cents)::bigint as sum_cents from marts.sales group by 1 order by 1"
        )
        with reader.query(ACME) as session:
            for _ in range(2):
                columns, rows = session.fetch(sql)
                table = session.fetch_arrow(sql)
                assert columns == table.column_names == ["sold_date", "sum_cents"]
                assert rows == [tuple(row.values()) for row in table.to_pylist()]

    @pytest.mark.parametrize("value", ["x' or '1'='1", "$amount", "'; drop table marts.sales; --", "\x00"])
    def test_parameters_are_values_and_never_sql(
        self, publish_number: Publish, reader: ReleaseReader, value: str
    ) -> None:
        publish_number(1)
        assert reader.fetch(ACME, "select $value as v", {"value": value}).rows == [(value,)]

    def test_parameters_must_match(self, publish_number: Publish, reader: ReleaseReader) -> None:
        publish_number(1)
        for params in ({}, {"a": 1, "b": 2}):
            with pytest.raises(duckdb.InvalidInputException):
                reader.fetch(ACME, "select $a", params)

    def test_days_begin_at_midnight_utc_whatever_the_servers_zone(
        self, publish_number: Publish, reader: ReleaseReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        try:
            publish_number(1)
            sql = "select date_trunc('day', timestamptz '2026-01-01 20:00:00+00')::date::text"
            assert reader.fetch(ACME, sql).rows == [("2026-01-01",)]
        finally:
            monkeypatch.undo()
            time.tzset()


class TestLimits:
    @pytest.mark.parametrize("fetch", ["fetch", "fetch_arrow"])
    def test_a_runaway_query_is_stopped_and_the_next_one_runs(
        self, publish_number: Publish, reader: ReleaseReader, fetch: str
    ) -> None:
        publish_number(1)
        began = time.monotonic()
        with pytest.raises(QueryTimeout):
            getattr(reader, fetch)(ACME, ENDLESS, {"nothing": -1}, timeout_s=0.1)
        assert (
            time.monotonic() - began < 10
        )  # it would never end by itself; a busy machine takes its time to stop it
        assert len(reader.fetch(ACME, "from marts.sales").rows) == ROWS[ACME]

    @pytest.mark.parametrize("fetch", ["fetch", "fetch_arrow"])
    def test_too_many_rows_are_refused_not_cut(
        self, publish_number: Publish, reader: ReleaseReader, fetch: str
    ) -> None:
        publish_number(1)
        getattr(reader, fetch)(ACME, "from marts.sales", max_rows=ROWS[ACME])
        with pytest.raises(TooManyRows):
            getattr(reader, fetch)(ACME, "from marts.sales", max_rows=ROWS[ACME] - 1)
        assert len(reader.fetch(ACME, "from marts.sales").rows) == ROWS[ACME]


class TestMoves:
    def test_before_the_first_publish_it_says_so_and_then_finds_it(
        self, publish_number: Publish, reader: ReleaseReader
    ) -> None:
        with pytest.raises(ReleaseNotFound):
            reader.fetch(ACME, "select 1")
        release = publish_number(1)
        assert reader.release == release

    def test_who_comes_while_the_first_one_opens_waits_for_it(
        self, publish_number: Publish, releases: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        published = publish_number(1)
        reader = ReleaseReader(releases, check_every_ms=60_000)
        is_opening, may_open = threading.Event(), threading.Event()
        replace = reader._replace

        def slow_replace(release: ReleaseInfo) -> None:
            is_opening.set()
            assert may_open.wait(5)
            replace(release)

        monkeypatch.setattr(reader, "_replace", slow_replace)
        first = threading.Thread(target=lambda: reader.release)
        first.start()
        assert is_opening.wait(5)
        threading.Timer(0.05, may_open.set).start()
        assert reader.release.id == published.id
        first.join()
        reader.close()

    def test_a_session_stays_on_its_release_and_the_next_one_moves(
        self, releases: Path, publish_number: Publish, reader: ReleaseReader
    ) -> None:
        number = "select distinct number from marts.sales"
        publish_number(1)
        with reader.query(ACME) as session:
            publish_number(2)
            assert session.fetch(number).rows == [(1,)]
            assert reader.fetch(ACME, number).rows == [(2,)]
            assert session.fetch(number).rows == [(1,)]
        rollback(releases)
        assert reader.fetch(ACME, number).rows == [(1,)]

    def test_peeking_never_opens_and_never_names_a_release_that_was_replaced(
        self, releases: Path, publish_number: Publish, reader: ReleaseReader
    ) -> None:
        assert reader.peek() is None
        first = publish_number(1)
        assert reader.peek() is None
        assert reader.release == first
        assert reader.peek() == first.id
        second = publish_number(2)
        assert reader.peek() is None
        assert reader.release == second
        assert reader.peek() == second.id

    def test_the_old_release_is_closed_when_its_last_user_is_done(
        self, releases: Path, publish_number: Publish, reader: ReleaseReader
    ) -> None:
        def open_files() -> set[str]:
            targets = [path.resolve() for path in Path("/proc/self/fd").iterdir()]
            return {path.name for path in targets if path.parent == releases and path.suffix == ".duckdb"}

        first = publish_number(1)
        with reader.query(ACME):
            second = publish_number(2)
            assert reader.release == second
            assert open_files() == {first.path.name, second.path.name}
        assert open_files() == {second.path.name}

    @pytest.mark.parametrize("publishes", [25, pytest.param(100, marks=pytest.mark.torture)])
    def test_readers_under_load_see_only_whole_releases(
        self, publish_number: Publish, reader: ReleaseReader, publishes: int
    ) -> None:
        """Both tables of every answer carry one and the same number, no query fails, none goes back in time."""
        publish_number(0)
        done = threading.Event()
        seen: list[list[int]] = [[] for _ in range(4)]
        failures: list[BaseException] = []

        def read(numbers: list[int], tenant: uuid.UUID) -> None:
            try:
                while not done.wait(0.02):  # a few hundred queries a second, and room to publish
                    with reader.query(tenant) as session:
                        sales = session.fetch("select number, count(*) from marts.sales group by 1").rows
                        visits = session.fetch("select number, count(*) from marts.visits group by 1").rows
                    assert sales == visits
                    assert sales == [(sales[0][0], ROWS[tenant])]
                    numbers.append(sales[0][0])
            except BaseException as failure:
                failures.append(failure)

        threads = [
            threading.Thread(target=read, args=(numbers, tenant))
            for numbers, tenant in zip(seen, [ACME, BOLT, ACME, BOLT], strict=True)
        ]
        for thread in threads:
            thread.start()
        for number in range(1, publishes + 1):
            publish_number(number)
        done.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert all(numbers == sorted(numbers) for numbers in seen)
        assert len(set().union(*seen)) > publishes / 4  # they did move along, under load


HOSTILE = [
    "select * from base.sales",
    'select * from "BASE"."SALES"',
    "select * from (select * from base.sales)",
    "with marts as (select 1) select * from base.sales",
    "with sales as (from base.sales) select * from sales",
    "select (select count(*) from base.sales)",
    "select * from marts.sales where amount_cents in (select amount_cents from base.sales)",
    "select * from query('from base.sales')",
    "select * from query_table('base.sales')",
    "select * from json_execute_serialized_sql(json_serialize_sql('from base.sales'))",
    "from release.tables",
    "set variable tenant_id = '00000000-0000-7000-8000-00000000000b'",
    "reset variable tenant_id",
    "select 1; set variable tenant_id = '00000000-0000-7000-8000-00000000000b'",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_parquet('/etc/passwd')",
    "select * from read_json('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from glob('/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select getenv('HOME')",
    "select current_setting('temp_directory')",
    "attach '/tmp/other.duckdb' as other",
    "attach ':memory:' as other",
    "copy (select 1) to '/tmp/escaped.csv'",
    "copy marts.sales to '/tmp/escaped.parquet'",
    "export database '/tmp/escaped'",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "pragma enable_profiling",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset lock_configuration",
    "set memory_limit = '100GB'",
    "create table marts.mine as select 1",
    "create temp table mine as select 1",
    "create or replace view marts.sales as from base.sales",
    "create macro peek() as table from base.sales",
    "insert into base.sales select * from base.sales",
    "update base.sales set amount_cents = 0",
    "delete from base.sales",
    "drop view marts.sales",
    "use base",
    "set schema = 'base'",
    "set search_path = 'base'",
    "call pragma_version()",
    "checkpoint",
    "vacuum",
    "begin",
    "prepare p as select 1",
    "explain analyze select * from base.sales",
    "describe base.sales",
    "summarize base.sales",
    "show all tables",
    "select * from duckdb_tables()",
    "select * from duckdb_secrets()",
    "select * from information_schema.tables",
    "select * from sqlite_master",
    "with sqlite_master as (from sqlite_master) from sqlite_master",
    "select * from pg_catalog.pg_tables",
    "pivot base.sales on number using count(*)",
    "",
    ";",
]


class TestSandbox:
    @pytest.mark.parametrize("sql", HOSTILE)
    def test_hostile_sql_is_refused_before_it_runs(
        self, publish_number: Publish, reader: ReleaseReader, sql: str
    ) -> None:
        publish_number(1)
        for fetch in (reader.fetch, reader.fetch_arrow):
            with pytest.raises(SqlRefused):
                fetch(ACME, sql)
        assert len(reader.fetch(ACME, "from marts.sales").rows) == ROWS[ACME]

    @pytest.mark.parametrize(
        "sql", [sql for sql in HOSTILE if "/" in sql or "install" in sql or "lock" in sql]
    )
    def test_the_connection_itself_refuses_files_and_settings(
        self, publish_number: Publish, reader: ReleaseReader, sql: str
    ) -> None:
        publish_number(1)
        with reader.query(ACME) as session, pytest.raises(duckdb.Error):
            session._cursor.execute(sql).fetchall()

    @pytest.mark.parametrize(
        "sql",
        [
            "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select max(i) from n",
            "with a as (from marts.sales), b as (from a) select count(*) from b join a using (sold_date)",
            "select count(*) from marts.sales s left join marts.calendar c on c.day = s.sold_date",
            "select sum(x) from unnest([1, 2]) u(x) union all select 1 from range(2)",
            "select row_number() over (order by sold_date) from marts.visits qualify 1 = 1",
            "values (1), (2)",
        ],
    )
    def test_ordinary_questions_are_answered(
        self, publish_number: Publish, reader: ReleaseReader, sql: str
    ) -> None:
        publish_number(1)
        assert reader.fetch(ACME, sql).rows
