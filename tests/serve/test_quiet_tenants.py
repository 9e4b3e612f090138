"""Tenants without business events: those with people at work have their figures, those with nothing empty ones.

The metrics are those of ``transforms/models/semantic/identity.yml``, over the tables that they read.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import duckdb
import httpx
import pytest

from serve.app import create_app
from serve.settings import Settings
from tests.serve.conftest import Running
from tests.serve.small_release import TABLES as SMALL
from tests.serve.small_release import UNKNOWN, A
from tests.warehouse.metrics.toy import PROJECT, semantic_manifest
from warehouse.releases import publish

QUERY, KPIS = "/api/v1/metrics/query", "/api/v1/dashboard/kpis"
TRANSFORMS = Path(__file__).parents[2] / "transforms" / "models"
SIGN_INS, SEATS, KEYS, NOTHING = (UUID(f"dddddddd-0000-7000-8000-00000000000{n}") for n in range(1, 5))
LAST_DAY = {SIGN_INS: "2026-03-05", SEATS: "2026-03-06", KEYS: "2026-03-07"}
END_OF_RELEASE = "2026-01-31"  # business of any tenant ends here

PEOPLE = f"""
insert into marts.dim_tenants
select unnest(['{SIGN_INS}', '{SEATS}', '{KEYS}', '{NOTHING}'])::uuid, 'quiet', 'Quiet', 'source', 'UTC', 'GBP', false,
    null;

create table marts.fct_sign_ins as
select tenant_id::uuid as tenant_id, uuid() as sign_in_id, uuid() as user_id, day::date as signed_in_date,
    outcome, outcome = 'succeeded' as has_succeeded, 'password' as method, 'web' as kind, 'DE' as country,
    'phone' as device
from (values ('{SIGN_INS}', '2026-02-01', 'succeeded'), ('{SIGN_INS}', '2026-03-04', 'succeeded'),
             ('{SIGN_INS}', '2026-03-04', 'succeeded'), ('{SIGN_INS}', '2026-03-05', 'failed'),
             ('{A}', '2026-01-31', 'succeeded'), ('{A}', '2026-03-05', 'succeeded')) t(tenant_id, day, outcome);

create table marts.sign_ins_daily as
select tenant_id, signed_in_date as date, outcome, count(*) as sign_in_count from marts.fct_sign_ins group by all;

create table marts.seats_daily as
select '{SEATS}'::uuid as tenant_id, date '2026-03-06' - i::int as date, (5 - i)::bigint as seat_count,
    0::bigint as suspended_count, 2::bigint as used_count, (3 - i)::bigint as unused_count from range(3) r(i);

create table marts.api_usage_daily as
select '{KEYS}'::uuid as tenant_id, date '2026-03-07' as date, 'GET /contacts' as route, 1::bigint as request_count;

create table marts.active_people_daily (tenant_id uuid, date date, active_1d_count bigint, active_7d_count bigint,
    active_28d_count bigint);
create table marts.invitation_results (tenant_id uuid, invitation_id uuid, invited_date date, role text, status text,
    accepted_at timestamptz, is_activated boolean);
create table marts.time_spine as select unnest(generate_series(date '2025-01-01', date '2026-01-31', interval 1 day))
    ::date as date;
"""


def definitions() -> dict[str, str]:
    """The toy's project with our own metrics of people."""
    read = ("fct_sign_ins", "active_people_daily", "seats_daily", "invitation_results", "time_spine")
    return {
        **{name: PROJECT[name] for name in ("dbt_project.yml", "profiles.yml")},
        **{f"models/{name}.sql": "select 1 as one" for name in read},
        "models/time_spine.yml": """
models:
  - name: time_spine
    time_spine: {standard_granularity_column: date}
    columns: [{name: date, granularity: day}]
""",
        "models/identity.yml": (TRANSFORMS / "semantic" / "identity.yml").read_text(),
    }


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("home")
    warehouse = home / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as conn:
        conn.execute("set timezone = 'UTC'")
        conn.execute("create schema marts")
        conn.execute(SMALL)
        conn.execute(PEOPLE)
        tables = [name for (name,) in conn.execute("select table_name from duckdb_tables()").fetchall()]
    publish(
        warehouse,
        home / "releases",
        tables=[name for name in tables if name != "time_spine"],
        shared_tables=["time_spine"],
        as_of=datetime(2026, 1, 31, 23, 59, tzinfo=UTC),
        run_id="quiet",
        semantic_manifest=semantic_manifest(tmp_path_factory.mktemp("definitions"), definitions()),
    )
    running = Running(create_app(Settings(throughline_home=home))).start()
    yield running
    running.stop()


def ask(client: httpx.Client, *metrics: str, **more: object) -> dict:
    response = client.post(QUERY, json={"metrics": list(metrics), **more})
    assert response.status_code == 200, response.text
    return response.json()


class TestPeopleAlone:
    def test_sign_ins_are_counted_up_to_the_tenants_own_last_day(self, quiet):
        body = ask(
            quiet.caller(SIGN_INS), "sign_ins", "failed_sign_ins", group_by=["metric_time"], range="7d"
        )
        assert body["data"] == [
            {"metric_time__day": "2026-03-04", "sign_ins": 2, "failed_sign_ins": 0},
            {"metric_time__day": "2026-03-05", "sign_ins": 0, "failed_sign_ins": 1},
        ]
        assert body["meta"]["period"]["end"] == body["meta"]["as_of"] == LAST_DAY[SIGN_INS]
        assert (body["meta"]["currency"], body["meta"]["simulated"]) == ("GBP", False)

    def test_seats_are_those_of_the_last_day(self, quiet):
        body = ask(quiet.caller(SEATS), "seats", "seats_unused", range="7d")
        assert body["data"] == [{"seats": 5, "seats_unused": 3}]

    @pytest.mark.parametrize("tenant", LAST_DAY, ids=["sign-ins", "seats", "requests of a key"])
    def test_the_dashboard_has_the_same_day_and_no_figures(self, quiet, tenant):
        body = quiet.caller(tenant).get(KPIS).json()
        assert body["meta"]["as_of"] == LAST_DAY[tenant]
        assert {kpi["value"] for kpi in body["data"]} == {None}

    def test_a_business_keeps_the_time_of_its_business(self, quiet):
        body = ask(quiet.caller(A), "sign_ins", range="7d")
        assert (body["meta"]["as_of"], body["data"]) == (END_OF_RELEASE, [{"sign_ins": 1}])


@pytest.mark.parametrize(
    ("tenant", "currency"), [(NOTHING, "GBP"), (UNKNOWN, None)], ids=["nothing", "younger than the release"]
)
class TestNothing:
    def test_a_series_is_empty_and_ends_with_the_release(self, quiet, tenant, currency):
        body = ask(quiet.caller(tenant), "sign_ins", "seats", group_by=["metric_time"], range="30d")
        meta = body["meta"]
        assert (body["data"], meta["has_more"], meta["period"]["end"]) == ([], False, END_OF_RELEASE)
        assert (meta["as_of"], meta["currency"], meta["simulated"]) == (END_OF_RELEASE, currency, False)

    def test_csv_has_its_columns_and_says_no_currency_that_nobody_knows(self, quiet, tenant, currency):
        response = quiet.caller(tenant).get(KPIS, headers={"Accept": "text/csv"})
        assert {row["value"] for row in csv.DictReader(io.StringIO(response.text))} == {""}
        assert (response.headers["x-as-of"], response.headers.get("x-currency")) == (END_OF_RELEASE, currency)

    def test_the_answer_is_named_like_any_other(self, quiet, tenant, currency):
        caller = quiet.caller(tenant)
        etag = caller.get(KPIS).headers["etag"]
        assert caller.get(KPIS, headers={"If-None-Match": etag}).status_code == 304


def test_a_release_without_the_tables_of_people_answers_too(as_caller):
    body = as_caller(UNKNOWN).get(KPIS).json()
    assert (body["meta"]["as_of"], {kpi["value"] for kpi in body["data"]}) == (END_OF_RELEASE, {None})
