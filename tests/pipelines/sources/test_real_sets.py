"""The public sets under ``../shared/data``: every row is accounted for, and no date is made up."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipelines.sources.ingest import ingest_source
from pipelines.sources.profile import load_profiles
from pipelines.sources.report import SourceReport
from tests.pipelines.sources.shop import rows
from warehouse.contracts import load_contracts
from warehouse.settings import Home

DATA = Path(__file__).parents[4] / "shared" / "data"
SNAPSHOTS = ("churn_ibm_telco", "leads_xeducation", "uplift_hillstrom")
# Rows that a table must read; numbers are taken from the files by other means (README, polars).
READ = {
    "retail_online": {"accounts": 4_372, "invoices": 25_900, "invoice_lines": 541_909},
    "bi_adventureworks": {"accounts": 18_148, "persons": 18_148, "invoices": 25_164, "invoice_lines": 56_046},
    "churn_ibm_telco": {"accounts": 7_043, "subscriptions": 7_043},
    "leads_xeducation": {"leads": 9_240, "lead_activities": 31_362},
    "pdm_azure": {"vehicles": 20, "telemetry": 43_200 + 211, "work_orders": 208 + 3},
    "obd_carobd": {"vehicles": 1},
    "geo_311_nyc": {"zones": 6, "jobs": 1_000 + 4_969},
    "uplift_hillstrom": {"contacts": 44_901, "campaigns": 3, "campaign_events": 29_871 + 6_602 + 404},
}
FILE_ROWS = {
    "retail_online": 541_909,
    "bi_adventureworks": 56_046 + 18_148 + 293,
    "churn_ibm_telco": 7_043,
    "leads_xeducation": 9_240,
    "pdm_azure": 43_200 + 20 + 211 + 42 + 208,
    "obd_carobd": 34_079,
    "geo_311_nyc": 5_969,
    "uplift_hillstrom": 44_901,
}


@pytest.fixture(scope="module")
def landed(tmp_path_factory):
    """Each set landed once, on first need: its home and its report."""
    done: dict[str, tuple[Home, SourceReport]] = {}

    def land(name: str) -> tuple[Home, SourceReport]:
        if not (DATA / name).is_dir():
            pytest.skip(f"public set absent: ../shared/data/{name}")
        if name not in done:
            home = Home(tmp_path_factory.mktemp(name)).create()
            done[name] = home, ingest_source(home, load_profiles()[name], DATA / name, run_id="run")
        return done[name]

    return land


@pytest.mark.parametrize("name", READ)
class TestEverySet:
    def test_every_row_is_accounted_for(self, landed, name):
        home, report = landed(name)
        assert report.rejected == ()
        assert sum(file.rows for file in report.files) == FILE_ROWS[name]
        assert {table.table: table.rows_read for table in report.tables} == READ[name]
        for table in report.tables:
            assert table.state == "landed"
            assert table.rows_landed + table.rows_quarantined == table.rows_read
            assert rows(home, f"select count(*), count(distinct id) from {table.table}") == [
                (table.rows_landed,) * 2
            ]
            assert table.reasons == {}

    def test_references_meet(self, landed, name):
        home, report = landed(name)
        targets = {
            "account_id": "accounts",
            "vehicle_id": "vehicles",
            "invoice_id": "invoices",
            "zone_id": "zones",
            "contact_id": "contacts",
            "lead_id": "leads",
            "campaign_id": "campaigns",
        }
        tables = {table.table for table in report.tables}
        for table in tables:
            for column in load_contracts()[table].columns.keys() & targets.keys():
                if targets[column] in tables:
                    loose = f"select count(*) from {table} where {column} not in (select id from {targets[column]})"
                    assert rows(home, loose) == [(0,)], (table, column)

    def test_a_second_run_lands_nothing(self, landed, name):
        home, _ = landed(name)
        again = ingest_source(home, load_profiles()[name], DATA / name, run_id="again")
        assert {table.state for table in again.tables} == {"unchanged"}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot_knows_no_date_but_the_declared_one(landed, name):
    home, report = landed(name)
    declared = load_profiles()[name].snapshot_date
    for table in report.tables:
        for column in load_contracts()[table.table].columns.values():
            if column.type not in ("date", "timestamptz") or column.name == "created_at":
                continue
            wanted = [(declared,)] if column.name == "snapshot_date" else [(None,)]
            assert rows(home, f"select distinct {column.name} from {table.table}") == wanted, (
                table.table,
                column,
            )


def test_when_a_lead_came_in_is_not_made_up(landed):
    home, _ = landed("leads_xeducation")
    assert rows(home, "select count(created_at) from leads") == [(0,)]


class TestRetail:
    def test_revenue_is_that_of_the_file_to_the_cent(self, landed):
        home, _ = landed("retail_online")
        raw = pl.read_csv(DATA / "retail_online" / "online_retail.csv.gz", infer_schema_length=0)
        amounts = raw.select(
            (pl.col("Quantity").cast(pl.Float64) * pl.col("UnitPrice").cast(pl.Float64)).alias("a")
        )
        cents = int(amounts.select((pl.col("a") * 100).round(3).round()).sum().item())
        assert rows(home, "select sum(net_cents) from invoices") == [(cents,)]
        assert rows(home, "select sum(net_cents) from invoice_lines") == [(cents,)]

    def test_cancellations_are_returns_and_lines_without_customer_belong_to_none(self, landed):
        home, _ = landed("retail_online")
        returns = "select count(*), count(distinct i.id) from invoice_lines l join invoices i on i.id = l.invoice_id"
        assert rows(home, f"{returns} where is_return")[0][0] == 9_288
        assert rows(home, f"{returns} where account_id is null")[0][0] == 135_080

    def test_times_are_london_times(self, landed):
        home, _ = landed("retail_online")
        assert rows(home, "select min(issued_at)::varchar from invoices") == [("2010-12-01 08:26:00+00",)]
        summer = (
            "select (issued_at at time zone 'Europe/London')::varchar from invoices where number = '558638'"
        )
        raw = pl.read_csv(DATA / "retail_online" / "online_retail.csv.gz", infer_schema_length=0)
        wanted = raw.filter(pl.col("InvoiceNo") == "558638")["InvoiceDate"].min()
        assert rows(home, summer) == [(wanted,)]


class TestMachines:
    def test_readings_keep_their_digits(self, landed):
        home, _ = landed("pdm_azure")
        raw = pl.read_csv(DATA / "pdm_azure" / "PdM_telemetry.csv.gz")
        sums = "select sum(voltage_v), sum(rpm), sum(pressure_kpa), sum(vibration_mm_s) from telemetry"
        wanted = raw.select("volt", "rotate", "pressure", "vibration").sum().row(0)
        assert rows(home, sums)[0] == pytest.approx(wanted, rel=1e-12)

    def test_failures_are_work_orders_once_each(self, landed):
        home, _ = landed("pdm_azure")
        assert rows(home, "select count(*) filter (where is_failure), count(*) from work_orders") == [
            (42, 211)
        ]
        assert rows(home, "select count(*) from telemetry where error_code is not null") == [(211,)]


def test_post_contact_columns_stay_out(landed):
    home, _ = landed("leads_xeducation")
    (keys,) = zip(*rows(home, "select distinct unnest(json_keys(attributes)) from leads"), strict=True)
    assert "TotalVisits" in keys
    late = ("tags", "quality", "profile", "last", "asymmetrique", "converted")
    assert [key for key in keys if any(word in key.lower() for word in late)] == []
    assert rows(home, "select count(*) from leads where status = 'won'") == [(3_561,)]
    assert rows(home, "select count(*) from leads where attributes::varchar like '%\"Select\"%'") == [(0,)]


def test_churn_is_the_status(landed):
    home, _ = landed("churn_ibm_telco")
    assert rows(home, "select count(*) from accounts where status = 'churned'") == [(1_869,)]
    assert rows(home, "select count(*) from subscriptions where status = 'cancelled'") == [(1_869,)]
    assert rows(home, "select count(*) from accounts where attributes ->> 'Churn' is not null") == [(0,)]


def test_money_of_the_test_mail_is_that_of_the_file(landed):
    home, _ = landed("uplift_hillstrom")
    assert rows(home, "select sum(value_cents) from campaign_events") == [(4_664_211,)]
