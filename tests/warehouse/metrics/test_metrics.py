"""Answers to questions about metrics, each added up by hand from `toy.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.metrics.toy import (
    A1,
    A2,
    A3,
    ACCOUNTS,
    ACME,
    BOLT,
    HOSTILE_CITY,
    INVOICES,
    NORTH,
    SHARED,
    TABLES,
    fill,
)
from warehouse.metrics import (
    GRAINS,
    Column,
    Filter,
    MetricEngine,
    MetricQuery,
    MetricQueryError,
    execute,
)
from warehouse.releases import ReleaseReader, publish

Ask = Callable[..., list[tuple[Any, ...]]]
JAN, FEB = date(2025, 1, 1), date(2025, 2, 1)
TWO_MONTHS = {"start": JAN, "end": date(2025, 2, 28)}


class TestList:
    def test_it_says_what_the_dbt_page_says(self, engine: MetricEngine) -> None:
        metrics = {metric.name: metric for metric in engine.list()}
        assert len(metrics) == 8
        revenue = metrics["revenue_cents"]
        assert (revenue.label, revenue.description, revenue.type, revenue.unit) == (
            "Revenue",
            "Net invoiced.",
            "simple",
            "cents",
        )
        dimensions = {dimension.name: dimension for dimension in revenue.dimensions}
        assert set(dimensions) == {
            "metric_time",
            "invoice",
            "invoice__issued_date",
            "account",
            "account__segment",
            "account__city",
            "account__seats",
            "account__since_date",
            "account__zone",
            "account__zone__zone_name",
        }
        assert dimensions["metric_time"].grains == GRAINS
        assert dimensions["account__segment"].kind == "categorical"
        assert dimensions["account"].kind == "entity"

    def test_a_metric_known_by_month_has_no_finer_grain(self, engine: MetricEngine) -> None:
        cost = next(metric for metric in engine.list() if metric.name == "cost_cents")
        time = next(dimension for dimension in cost.dimensions if dimension.name == "metric_time")
        assert time.grains == ("month", "quarter", "year")


class TestGroups:
    def test_by_time(self, ask: Ask) -> None:
        by = {"group_by": ("metric_time",), **TWO_MONTHS}
        assert ask("revenue_cents", grain="month", **by) == [(JAN, 1100), (FEB, 307)]
        assert ask("revenue_cents", grain="quarter", **by) == [(JAN, 1407)]
        assert ask("revenue_cents", grain="year", **by) == [(JAN, 1407)]
        assert ask("revenue_cents", grain="week", **by) == [
            (date(2025, 1, 6), 100),
            (date(2025, 1, 27), 1000),
            (date(2025, 2, 10), 200),
            (date(2025, 2, 24), 107),
        ]
        assert ask("revenue_cents", grain="day", **by)[0] == (date(2025, 1, 10), 100)

    def test_by_dimension_and_entity(self, ask: Ask) -> None:
        assert ask("revenue_cents", group_by=("account__segment",), **TWO_MONTHS) == [
            ("enterprise", 1000),
            ("smb", 400),
            (None, 7),
        ]
        rows = ask("revenue_cents", group_by=("account",), **TWO_MONTHS)
        assert rows == [(str(A1), 400), (str(A2), 1000), (str(A3), 7)]

    def test_by_a_dimension_two_tables_away(self, ask: Ask) -> None:
        rows = ask("revenue_cents", group_by=("account__zone__zone_name",), **TWO_MONTHS)
        assert rows == [("North", 400), (None, 1007)]

    def test_by_a_time_of_its_own(self, ask: Ask) -> None:
        assert ask("revenue_cents", group_by=("account__since_date__year",), **TWO_MONTHS) == [
            (date(2023, 1, 1), 1400),
            (None, 7),
        ]

    def test_metrics_of_several_tables_and_kinds(self, ask: Ask) -> None:
        rows = ask(
            "revenue_cents",
            "cost_cents",
            "margin_cents",
            "mean_invoice_cents",
            "job_count",
            group_by=("metric_time",),
            grain="month",
            **TWO_MONTHS,
        )
        assert rows == [(JAN, 1100, 200, 900, 550.0, 2), (FEB, 307, 1500, -1193, pytest.approx(307 / 3), 1)]

    def test_a_cumulative_metric_counts_what_lies_before_the_range(self, ask: Ask) -> None:
        rows = ask("revenue_to_date_cents", group_by=("metric_time",), start=FEB, end=FEB)
        assert rows == [(FEB, 500 + 50 + 400 + 1100)]

    def test_a_metric_may_carry_its_own_filter(self, ask: Ask) -> None:
        assert ask("enterprise_revenue_cents", **TWO_MONTHS) == [(1000,)]

    def test_integers_arrive_as_integers(self, reader: ReleaseReader) -> None:
        table = execute(reader, ACME, MetricQuery(metrics=("revenue_cents",), group_by=("metric_time",)))
        assert table.schema.types == [pa.date32(), pa.int64()]

    def test_order_and_limit(self, ask: Ask) -> None:
        by = {"group_by": ("account__segment",), **TWO_MONTHS}
        assert ask("revenue_cents", order_by=("revenue_cents",), limit=2, **by) == [(None, 7), ("smb", 400)]
        assert ask("revenue_cents", order_by=("-account__segment",), limit=1, **by) == [("smb", 400)]
        rows = ask(
            "revenue_cents", group_by=("metric_time",), grain="month", order_by=("-metric_time",), limit=1
        )
        assert rows == [(FEB, 307)]


class TestTenants:
    def test_each_gets_its_own(self, ask: Ask) -> None:
        by_segment = {"group_by": ("account__segment",), **TWO_MONTHS}
        assert ask("revenue_cents", tenant=BOLT, **by_segment) == [("smb", 9999)]
        assert ("smb", 400) in ask("revenue_cents", tenant=ACME, **by_segment)

    def test_a_neighbours_row_is_absent_from_joins_too(self, ask: Ask) -> None:
        # BOLT's account names a zone that is ACME's.
        rows = ask("revenue_cents", tenant=BOLT, group_by=("account__zone__zone_name",), **TWO_MONTHS)
        assert rows == [(None, 9999)]

    def test_every_metric_by_every_dimension_shows_nothing_to_a_stranger(
        self, engine: MetricEngine, reader: ReleaseReader
    ) -> None:
        stranger = "00000000-0000-7000-8000-0000000000ff"
        for metric in engine.list():
            for dimension in metric.dimensions:
                query = MetricQuery(metrics=(metric.name,), group_by=(dimension.name,), grain="month")
                with reader.query(ACME) as session:
                    assert engine.run(session, query).num_rows > 0
                with reader.query(stranger) as session:
                    values = engine.run(session, query).column(metric.name).to_pylist()
                assert set(values) <= {None, 0}


class TestFilters:
    @pytest.mark.parametrize(
        ("dimension", "op", "values", "accounts"),
        [
            ("account__segment", "=", ("smb",), {A1}),
            ("account__segment", "=", (None,), {A3}),
            ("account__segment", "!=", ("smb",), {A2, A3}),
            ("account__segment", "!=", (None,), {A1, A2}),
            ("account__segment", "in", ("smb", "enterprise", "other"), {A1, A2}),
            ("account__segment", "in", ("smb", None), {A1, A3}),
            ("account__segment", "in", (None,), {A3}),
            ("account__segment", "not in", ("smb",), {A2, A3}),
            ("account__segment", "not in", ("smb", None), {A2}),
            ("account__segment", "not in", (None,), {A1, A2}),
            ("account__segment", "<", ("f",), {A2}),
            ("account__seats", "<", (50,), {A1}),
            ("account__seats", "<=", (50,), {A1, A2}),
            ("account__seats", ">", (5,), {A2}),
            ("account__seats", ">=", (5.0,), {A1, A2}),
            ("account__seats", "between", (5, 49), {A1}),
            ("account__seats", "=", ("5",), {A1}),
            ("account__seats", "in", ("5", "50"), {A1, A2}),
            ("account__city", "=", (HOSTILE_CITY,), {A2}),
            ("account", "=", (A2,), {A2}),
            ("account", "in", (str(A2), str(A3)), {A2, A3}),
            ("account__since_date", ">=", (date(2023, 6, 15),), {A2}),
            ("account__since_date", "<", ("2023-06-15",), {A1}),
            ("account__since_date__year", "=", ("2023-01-01",), {A1, A2}),
            ("account__zone", "=", (NORTH,), {A1}),
            ("account__zone__zone_name", "!=", ("North",), {A2, A3}),
            ("metric_time", "<=", (date(2025, 1, 31),), {A1, A2}),
            ("metric_time__month", "=", (FEB,), {A1, A3}),
        ],
    )
    def test_every_operator(self, ask: Ask, dimension: str, op: Any, values: Any, accounts: set[Any]) -> None:
        rows = ask(
            "revenue_cents", group_by=("account",), filters=(Filter(dimension, op, values),), **TWO_MONTHS
        )
        assert {row[0] for row in rows} == {str(account) for account in accounts}

    def test_filters_all_apply_to_every_metric(self, ask: Ask) -> None:
        filters = (Filter("account__segment", "!=", ("enterprise",)), Filter("account__seats", ">", (0,)))
        assert ask("revenue_cents", "cost_cents", filters=filters, **TWO_MONTHS) == [(400, 200)]

    @given(
        value=st.one_of(
            st.text(), st.sampled_from([HOSTILE_CITY, "Lyon", "$p0_0", "{{ x }}", "' or 1=1 --", "\0"])
        )
    )
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text_is_only_ever_compared(self, ask: Ask, value: str) -> None:
        expected = sum(
            net
            for tenant, account, _, net in INVOICES
            for owner, other, _, city, *_ in ACCOUNTS
            if tenant == owner == ACME and account == other and city == value
        )
        assert ask("revenue_cents", filters=(Filter("account__city", "=", (value,)),)) == [
            (expected or None,)
        ]
        total = sum(net for tenant, _, _, net in INVOICES if tenant == ACME)
        assert ask("revenue_cents", filters=(Filter("account__city", "not in", (value, value)),)) == [
            (total - expected,)
        ]

    def test_no_value_is_part_of_the_sql(self, engine: MetricEngine) -> None:
        query = MetricQuery(
            metrics=("revenue_cents",),
            start=date(2025, 3, 7),
            end=date(2025, 4, 9),
            limit=77,
            filters=(
                Filter("account__city", "=", (HOSTILE_CITY,)),
                Filter("account__seats", "between", (881, 882)),
            ),
            compare="previous_year",
        )
        sql = engine.compile(query).sql
        assert not any(value in sql for value in ("O'Hare", "2025", "2024", "77", "881", "882"))


class TestComparison:
    def test_with_the_year_before_by_month(self, ask: Ask) -> None:
        rows = ask(
            "revenue_cents", group_by=("metric_time",), grain="month", compare="previous_year", **TWO_MONTHS
        )
        assert rows == [(JAN, 1100, 500, pytest.approx(1.2)), (FEB, 307, 50, pytest.approx(5.14))]

    def test_with_the_year_before_by_day_goes_by_the_calendar(self, ask: Ask) -> None:
        rows = ask("revenue_cents", group_by=("metric_time",), compare="previous_year", **TWO_MONTHS)
        by_day = {row[0]: row[1:] for row in rows}
        assert by_day[date(2025, 1, 31)] == (1000, 500, 1.0)
        assert by_day[date(2025, 2, 28)] == (107, 20, pytest.approx(4.35))  # 29 February has no counterpart
        assert by_day[date(2025, 1, 10)] == (100, None, None)
        assert len(rows) == 4

    def test_with_the_year_before_by_week_goes_by_position(self, ask: Ask) -> None:
        rows = ask(
            "revenue_cents", group_by=("metric_time",), grain="week", compare="previous_year", **TWO_MONTHS
        )
        # The week of 27 January 2025 and that of 29 January 2024 are both the fifth of their range.
        assert rows[1] == (date(2025, 1, 27), 1000, 500, 1.0)

    def test_with_the_previous_period_by_position(self, ask: Ask) -> None:
        rows = ask(
            "revenue_cents", group_by=("metric_time",), grain="month", compare="previous_period", **TWO_MONTHS
        )
        # January stands beside November, where nothing was invoiced, February beside December.
        assert rows == [(JAN, 1100, None, None), (FEB, 307, 400, pytest.approx(-93 / 400))]

    def test_by_dimension(self, ask: Ask) -> None:
        rows = ask(
            "revenue_cents", group_by=("account__segment",), compare="previous_period", start=FEB, end=FEB
        )
        assert rows == []
        rows = ask(
            "revenue_cents",
            group_by=("account__segment",),
            compare="previous_period",
            start=FEB,
            end=date(2025, 2, 28),
            order_by=("-revenue_cents__change",),
        )
        assert rows == [("smb", 300, 100, 2.0), (None, 7, None, None)]

    def test_an_empty_group_has_a_counterpart_too(self, ask: Ask) -> None:
        range_ = {"start": date(2025, 2, 28), "end": date(2025, 2, 28)}
        rows = ask("invoice_count", group_by=("account__segment",), compare="previous_period", **range_)
        assert rows == [("smb", 1, None, None), (None, 1, None, None)]

    def test_of_a_total_and_of_a_negative(self, ask: Ask) -> None:
        january = ask("margin_cents", compare="previous_period", start=FEB, end=date(2025, 2, 28))
        assert january == [(-1193, 900, pytest.approx(-2093 / 900))]
        assert ask("revenue_cents", compare="previous_year", start=JAN, end=date(2025, 1, 31)) == [
            (1100, 500, 1.2)
        ]

    def test_filters_hold_on_both_sides(self, ask: Ask) -> None:
        smb = (Filter("account__segment", "=", ("smb",)),)
        rows = ask("revenue_cents", compare="previous_year", filters=smb, start=FEB, end=date(2025, 2, 28))
        assert rows == [(300, 50, 5.0)]


class TestCache:
    def test_values_share_one_shape(self, engine: MetricEngine, monkeypatch: pytest.MonkeyPatch) -> None:
        def query(day: int, city: str, seats: list[int], limit: int) -> MetricQuery:
            return MetricQuery(
                metrics=("revenue_cents",),
                start=date(2025, 1, day),
                filters=(Filter("account__city", "=", (city,)), Filter("account__seats", "in", tuple(seats))),
                limit=limit,
            )

        first = engine.compile(query(1, "Lyon", [1, 2, 3], 5))
        monkeypatch.setattr(engine._flow, "sql", None)  # compiling again would fail
        assert engine.compile(query(2, "Oslo", [4, 5, 6, 7], 9)) is first

    @pytest.mark.parametrize(
        "change",
        [
            {"metrics": ("invoice_count",)},
            {"group_by": ("account",)},
            {"grain": "week"},
            {"end": FEB},
            {"filters": (Filter("account__seats", "=", (1,)),)},
            {"order_by": ("revenue_cents",)},
            {"limit": 1},
        ],
    )
    def test_everything_else_is_part_of_the_shape(self, engine: MetricEngine, change: dict[str, Any]) -> None:
        parts: dict[str, Any] = {"metrics": ("revenue_cents",), "group_by": ("metric_time",), "start": JAN}
        assert (
            engine.compile(MetricQuery(**parts)).sql != engine.compile(MetricQuery(**{**parts, **change})).sql
        )

    def test_the_oldest_shapes_are_forgotten(self, manifest: Path) -> None:
        engine = MetricEngine(manifest.read_text(), max_shapes=2)
        queries = [
            MetricQuery(metrics=("revenue_cents",), group_by=("metric_time",), grain=grain)
            for grain in GRAINS
        ]
        for query in queries:
            engine.compile(query)
        assert list(engine._compiled) == [query.shape for query in queries[-2:]]

    def test_threads_compile_what_one_would(self, engine: MetricEngine, manifest: Path) -> None:
        queries = [
            MetricQuery(metrics=metrics, group_by=("metric_time", "account__segment"), grain=grain)
            for metrics in [
                ("revenue_cents", "invoice_count"),
                ("mean_invoice_cents",),
                ("revenue_cents", "job_count"),
            ]
            for grain in ("month", "quarter", "year")
        ]
        alone = MetricEngine(manifest.read_text())
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(engine.compile, queries))
        assert together == [alone.compile(query) for query in queries]

    def test_a_new_release_brings_its_own_definitions(self, tmp_path: Path, manifest: Path) -> None:
        fill(tmp_path / "warehouse.duckdb")
        reader = ReleaseReader(tmp_path / "releases", check_every_ms=0)
        query = MetricQuery(metrics=("revenue_cents",))
        answers = []
        for expression in ("net_cents", "net_cents * 10"):
            changed = tmp_path / "semantic_manifest.json"
            content = json.loads(manifest.read_text())
            invoices = next(model for model in content["semantic_models"] if model["name"] == "invoices")
            next(measure for measure in invoices["measures"] if measure["name"] == "net_cents")["expr"] = (
                expression
            )
            changed.write_text(json.dumps(content))
            publish(
                tmp_path / "warehouse.duckdb",
                tmp_path / "releases",
                tables=TABLES,
                shared_tables=SHARED,
                as_of=datetime(2025, 3, 1, tzinfo=UTC),
                run_id="r",
                semantic_manifest=changed,
            )
            answers += execute(reader, ACME, query).column(0).to_pylist()
        reader.close()
        assert answers[1] == answers[0] * 10


class TestErrors:
    @pytest.mark.parametrize(
        ("parts", "field"),
        [
            ({"metrics": ()}, "metrics"),
            ({"metrics": ("nope",)}, "metrics[0]"),
            ({"metrics": ("revenue_cents", "revenue_cents; drop table x")}, "metrics[1]"),
            ({"group_by": ("nope",)}, "group_by[0]"),
            ({"group_by": ("metric_time", "account__segment') }} or 1=1 --")}, "group_by[1]"),
            ({"group_by": ("account__segment__month",)}, "group_by[0]"),
            (
                {"metrics": ("revenue_cents", "cost_cents"), "group_by": ("invoice__issued_date",)},
                "group_by[0]",
            ),
            ({"metrics": ("cost_cents",), "group_by": ("metric_time",), "grain": "day"}, "grain"),
            ({"grain": "fortnight"}, "grain"),
            ({"start": "2025-01-01"}, "start"),
            ({"end": date(1066, 10, 14)}, "end"),
            ({"start": FEB, "end": JAN}, "end"),
            ({"compare": "yesterday"}, "compare"),
            ({"compare": "previous_year", "start": JAN}, "compare"),
            (
                {
                    "compare": "previous_year",
                    "group_by": ("metric_time__day", "metric_time__year"),
                    **TWO_MONTHS,
                },
                "compare",
            ),
            ({"limit": 0}, "limit"),
            ({"limit": True}, "limit"),
            ({"order_by": ("account__segment",)}, "order_by[0]"),
            ({"order_by": ("revenue_cents", "-1; select 1")}, "order_by[1]"),
            ({"filters": (Filter("nope", "=", (1,)),)}, "filters[0].dimension"),
            ({"filters": (Filter("account__segment') }} or true --", "=", (1,)),)}, "filters[0].dimension"),
            (
                {"filters": (Filter("account", "=", ("x",)), Filter("account", "like", ("x",)))},
                "filters[1].op",
            ),  # type: ignore[arg-type]
            ({"filters": (Filter("account__segment", "=", ()),)}, "filters[0].values"),
            ({"filters": (Filter("account__segment", "between", (1,)),)}, "filters[0].values"),
            ({"filters": (Filter("account__segment", "in", tuple(range(1001))),)}, "filters[0].values"),
            ({"filters": (Filter("account__segment", "<", (None,)),)}, "filters[0].values"),
            ({"filters": (Filter("account__segment", "=", ({"a": 1},)),)}, "filters[0].values"),  # type: ignore[arg-type]
        ],
    )
    def test_the_part_at_fault_is_named(
        self, engine: MetricEngine, parts: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(MetricQueryError) as error:
            engine.compile(MetricQuery(**{"metrics": ("revenue_cents",), **parts}))
        assert error.value.field == field

    @pytest.mark.parametrize(
        ("dimension", "value"), [("account__seats", "many"), ("account", "acme"), ("metric_time", "soon")]
    )
    def test_a_value_of_the_wrong_type_is_the_askers_error(
        self, ask: Ask, dimension: str, value: str
    ) -> None:
        with pytest.raises(MetricQueryError) as error:
            ask("revenue_cents", filters=(Filter(dimension, "=", (value,)),))
        assert error.value.field == "filters"

    def test_a_release_without_metrics_says_so(self, tmp_path: Path) -> None:
        fill(tmp_path / "warehouse.duckdb")
        publish(
            tmp_path / "warehouse.duckdb",
            tmp_path / "releases",
            tables=TABLES,
            as_of=datetime(2025, 3, 1, tzinfo=UTC),
            run_id="r",
        )
        reader = ReleaseReader(tmp_path / "releases")
        with pytest.raises(MetricQueryError, match="no metric definitions"):
            execute(reader, ACME, MetricQuery(metrics=("revenue_cents",)))
        reader.close()


def test_columns_say_what_they_show(engine: MetricEngine) -> None:
    query = MetricQuery(
        metrics=("revenue_cents",),
        group_by=("metric_time", "account__segment"),
        grain="month",
        compare="previous_year",
        **TWO_MONTHS,
    )
    assert engine.compile(query).columns == (
        Column("metric_time__month", "time", "metric_time", "month"),
        Column("account__segment", "categorical", "account__segment"),
        Column("revenue_cents", "metric", "revenue_cents"),
        Column("revenue_cents__previous", "previous", "revenue_cents"),
        Column("revenue_cents__change", "change", "revenue_cents"),
    )


def test_metricflow_is_imported_only_when_a_metric_is_asked_for() -> None:
    code = "import sys, warehouse.metrics; sys.exit('metricflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
