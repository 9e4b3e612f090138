"""Metric queries over HTTP, on the toy project of ``tests/warehouse/metrics``."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb
import httpx
import pyarrow as pa
import pytest

from serve.analytics.metrics.schemas import MetricRead, MetricsMeta, Row
from serve.app import create_app
from serve.kernel.answers import ReleaseMeta
from serve.kernel.envelope import Success
from serve.settings import Settings
from tests.serve.conftest import Running
from tests.warehouse.metrics.toy import ACME, BOLT, HOSTILE_CITY, SHARED, TABLES, fill, semantic_manifest
from warehouse.releases import publish

QUERY = "/api/v1/metrics/query"
FACTS = f"""
create table marts.dim_tenants as from (values
    ('{ACME}'::uuid, 'EUR', true, date '2025-02-28'), ('{BOLT}'::uuid, 'USD', false, date '2025-02-28')
) t(tenant_id, currency, is_simulated, data_until);
create table marts.kpi_daily (tenant_id uuid, date date);
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("toy-home")
    warehouse = home / "warehouse.duckdb"
    fill(warehouse)
    with duckdb.connect(str(warehouse)) as conn:
        conn.execute(FACTS)
    publish(
        warehouse,
        home / "releases",
        tables=[*TABLES, "dim_tenants", "kpi_daily"],
        shared_tables=SHARED,
        as_of=datetime(2025, 2, 28, tzinfo=UTC),
        run_id="toy",
        semantic_manifest=semantic_manifest(tmp_path_factory.mktemp("toy")),
    )
    running = Running(create_app(Settings(throughline_home=home))).start()
    yield running
    running.stop()


@pytest.fixture
def acme(toy: Running) -> httpx.Client:
    return toy.caller(ACME)


@pytest.fixture
def ask(acme: httpx.Client) -> Callable[..., httpx.Response]:
    return lambda headers=None, **body: acme.post(QUERY, json=body, headers=headers)


def test_metrics_are_listed_with_their_dimensions(acme):
    response = acme.get("/api/v1/metrics")
    Success[list[MetricRead], ReleaseMeta].model_validate_json(response.content, strict=True)
    revenue = next(metric for metric in response.json()["data"] if metric["name"] == "revenue_cents")
    names = {dimension["name"]: dimension for dimension in revenue["dimensions"]}
    assert names["metric_time"]["grains"][0] == "day"
    assert "account__segment" in names


def test_a_metric_by_month_and_segment(ask):
    response = ask(
        metrics=["revenue_cents"],
        group_by=["metric_time", "account__segment"],
        grain="month",
        start="2025-01-01",
    )
    body = Success[list[Row], MetricsMeta].model_validate_json(response.content, strict=True)
    assert body.data == [
        {"metric_time__month": "2025-01-01", "account__segment": "enterprise", "revenue_cents": 1000},
        {"metric_time__month": "2025-01-01", "account__segment": "smb", "revenue_cents": 100},
        {"metric_time__month": "2025-02-01", "account__segment": "smb", "revenue_cents": 300},
        {"metric_time__month": "2025-02-01", "account__segment": None, "revenue_cents": 7},
    ]
    assert [column.kind for column in body.meta.columns] == ["time", "categorical", "metric"]
    assert (body.meta.currency, body.meta.has_more) == ("EUR", False)


def test_each_tenant_gets_its_own(toy, ask):
    assert ask(metrics=["revenue_cents"]).json()["data"] == [{"revenue_cents": 2357}]
    assert toy.caller(BOLT).post(QUERY, json={"metrics": ["revenue_cents"]}).json()["data"] == [
        {"revenue_cents": 9999}
    ]


def test_camel_case_body_and_named_range(ask):
    body = ask(metrics=["revenue_cents"], groupBy=[], range="30d", compare="previous_period").json()
    assert body["meta"]["period"]["start"] == "2025-01-30"
    # 30 January to 28 February, beside 31 December to 29 January.
    assert body["data"] == [
        {"revenue_cents": 1307, "revenue_cents__previous": 100, "revenue_cents__change": 12.07}
    ]


def test_values_are_bound(ask):
    filters = [{"dimension": "account__city", "op": "=", "values": [HOSTILE_CITY]}]
    assert ask(metrics=["revenue_cents"], filters=filters).json()["data"] == [{"revenue_cents": 1900}]


def test_the_limit_says_when_it_cut(ask):
    body = ask(
        metrics=["revenue_cents"], group_by=["account__segment"], order_by=["-revenue_cents"], limit=1
    ).json()
    assert (body["data"], body["meta"]["has_more"]) == (
        [{"account__segment": "enterprise", "revenue_cents": 1900}],
        True,
    )


def test_csv_and_arrow_equal_json(ask):
    asked = {"metrics": ["revenue_cents"], "group_by": ["account__segment"]}
    data = ask(**asked).json()["data"]
    table = pa.ipc.open_stream(
        ask({"Accept": "application/vnd.apache.arrow.stream"}, **asked).content
    ).read_all()
    assert table.to_pylist() == data
    assert pa.types.is_integer(table.schema.field("revenue_cents").type)
    read = list(csv.DictReader(io.StringIO(ask({"Accept": "text/csv"}, **asked).text)))
    assert read == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in data
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"metrics": []}, "metrics"),
        ({"metrics": ["profitt"]}, "metrics[0]"),
        ({"metrics": ["revenue_cents"], "group_by": ["account__shoe_size"]}, "group_by[0]"),
        ({"metrics": ["revenue_cents"], "order_by": ["cost"]}, "order_by[0]"),
        ({"metrics": ["revenue_cents"], "grain": "hour"}, "grain"),
        ({"metrics": ["revenue_cents"], "compare": "previous_year"}, "compare"),
        ({"metrics": ["revenue_cents"], "range": "7d", "start": "2025-01-01"}, "start"),
        ({"metrics": ["revenue_cents"], "limit": 0}, "limit"),
        ({"metrics": ["revenue_cents"], "sql": "select 1"}, "sql"),
        (
            {"metrics": ["revenue_cents"], "filters": [{"dimension": "x", "values": [1]}]},
            "filters[0].dimension",
        ),
        (
            {"metrics": ["revenue_cents"], "filters": [{"dimension": "x", "op": "~", "values": [1]}]},
            "filters[0].op",
        ),
        (
            {
                "metrics": ["revenue_cents"],
                "filters": [{"dimension": "account__segment", "op": "between", "values": [1]}],
            },
            "filters[0].values",
        ),
    ],
)
def test_what_is_wrong_is_named(ask, body, field):
    response = ask(**body)
    assert response.status_code == 422, response.text
    assert [detail["field"] for detail in response.json()["error"]["details"]] == [field]


def test_a_release_without_definitions_says_so(owner):
    response = owner.post(QUERY, json={"metrics": ["revenue_cents"]})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "NO_METRICS")
