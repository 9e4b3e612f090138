"""The public sets under `../shared/data` as features frames, for measuring the models alone.

The pipeline's source profiles bring them in for real; these adapters only know enough to reproduce the model cards.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"
SNAPSHOT = datetime(2024, 1, 1, tzinfo=UTC)


def path(*parts: str) -> Path:
    """The file, or a skip that says what is missing."""
    found = DATA.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"public set absent: ../shared/data/{'/'.join(parts)}")
    return found


def _attributes(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    texts = [
        json.dumps({k: v for k, v in row.items() if v is not None}) for row in frame.select(names).to_dicts()
    ]
    return pl.Series("attributes", texts)


def telco() -> pl.DataFrame:
    raw = pl.read_csv(path("churn_ibm_telco", "Telco-Customer-Churn.csv"), infer_schema_length=None)
    typed = {"customerID", "tenure", "MonthlyCharges", "Churn"}
    return raw.select(
        pl.col("customerID").alias("account_id"),
        pl.lit(SNAPSHOT.date()).alias("as_of_date"),
        (pl.col("tenure") * 30.4).alias("tenure_days"),
        (pl.col("MonthlyCharges") * 100).cast(pl.Int64).alias("mrr_cents"),
        pl.lit(True).alias("is_snapshot"),
        (pl.col("Churn") == "Yes").alias("snapshot_churned"),
        _attributes(raw, [name for name in raw.columns if name not in typed]),
    )


POST_CONTACT = {"Tags", "Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity"}


def leads(*, with_post_contact: bool = False) -> pl.DataFrame:
    raw = pl.read_csv(
        path("leads_xeducation", "Leads.csv"), null_values=["Select", ""], infer_schema_length=None
    )
    later = {name for name in raw.columns if name in POST_CONTACT or name.startswith("Asymmetrique")}
    typed = {
        "Prospect ID",
        "Lead Number",
        "Converted",
        "Lead Source",
        "TotalVisits",
        "Total Time Spent on Website",
    }
    kept = [name for name in raw.columns if name not in typed and (with_post_contact or name not in later)]
    return raw.select(
        pl.col("Prospect ID").alias("lead_id"),
        pl.lit(SNAPSHOT).alias("as_of_at"),
        pl.col("Lead Source").alias("source"),
        pl.col("TotalVisits").alias("visit_count"),
        pl.col("Total Time Spent on Website").alias("visit_duration_s"),
        pl.lit(True).alias("is_snapshot"),
        (pl.col("Converted") == 1).alias("is_won"),
        _attributes(raw, kept),
    )


SENSORS = {"volt": "voltage", "rotate": "rpm", "pressure": "pressure", "vibration": "vibration"}


def pdm_azure() -> pl.DataFrame:
    """Vehicle-days at midnight; windows look back from it, failures are counted from it."""

    def read(name: str) -> pl.DataFrame:
        return pl.read_csv(path("pdm_azure", f"PdM_{name}.csv.gz"), try_parse_dates=True)

    readings = read("telemetry").sort("machineID", "datetime").rename(SENSORS)
    days = _windows(readings)
    failures = read("failures").select("machineID", pl.col("datetime").alias("next_failure_at")).unique()
    services = read("maint").select("machineID", pl.col("datetime").alias("service_at")).unique()
    errors = read("errors").select("machineID", "datetime")
    known_until = readings["datetime"].max()
    days = days.sort("as_of_at").join_asof(
        failures.sort("next_failure_at"),
        left_on="as_of_at",
        right_on="next_failure_at",
        by="machineID",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    days = days.join_asof(
        services.sort("service_at"),
        left_on="as_of_at",
        right_on="service_at",
        by="machineID",
        check_sortedness=False,
    )
    pairs = days.select("machineID", "as_of_at").join(errors, on="machineID")
    age = pl.col("as_of_at") - pl.col("datetime")
    counts = (
        pairs.filter(age >= timedelta(0), age < timedelta(days=7))
        .group_by("machineID", "as_of_at")
        .agg(pl.len().alias("error_count_7d"), (age < timedelta(days=1)).sum().alias("error_count_24h"))
    )
    days = days.join(counts, on=["machineID", "as_of_at"], how="left").join(read("machines"), on="machineID")
    return days.select(
        pl.col("machineID").cast(pl.String).alias("vehicle_id"),
        "as_of_at",
        pl.col("^.*_(mean_3h|mean_24h|sd_24h|mean_7d|delta_7d|slope_14d)$"),
        pl.col("reading_count_24h"),
        pl.col("error_count_24h", "error_count_7d").fill_null(0),
        (pl.col("age") * 365.25).alias("age_days"),
        ((pl.col("as_of_at") - pl.col("service_at")).dt.total_hours() / 24).alias("days_since_service"),
        pl.col("model"),
        pl.lit("machine").alias("kind"),
        pl.col("next_failure_at"),
        pl.lit(known_until).alias("known_until_at"),
    )


def _windows(readings: pl.DataFrame) -> pl.DataFrame:
    sensors = list(SENSORS.values())
    rolled = {}
    for hours in (3, 24, 168):
        aggregates = [pl.col(s).mean().alias(f"{s}_mean_{hours}") for s in sensors]
        aggregates += [pl.col(s).std().alias(f"{s}_sd_{hours}") for s in sensors] + [
            pl.len().alias(f"rows_{hours}")
        ]
        rolled[hours] = readings.rolling("datetime", period=f"{hours}h", group_by="machineID").agg(aggregates)
    wide = (
        rolled[3]
        .join(rolled[24], on=["machineID", "datetime"])
        .join(rolled[168], on=["machineID", "datetime"])
    )
    days = wide.filter(pl.col("datetime").dt.hour() == 23)  # the last reading before midnight
    return days.sort("machineID", "datetime").select(
        "machineID",
        (pl.col("datetime") + timedelta(hours=1)).alias("as_of_at"),
        pl.col("rows_24").alias("reading_count_24h"),
        *[pl.col(f"{s}_mean_3").alias(f"{s}_mean_3h") for s in sensors],
        *[pl.col(f"{s}_mean_24").alias(f"{s}_mean_24h") for s in sensors],
        *[pl.col(f"{s}_sd_24").alias(f"{s}_sd_24h") for s in sensors],
        *[pl.col(f"{s}_mean_168").alias(f"{s}_mean_7d") for s in sensors],
        *[(pl.col(f"{s}_mean_24") - pl.col(f"{s}_mean_168")).alias(f"{s}_delta_7d") for s in sensors],
        *[
            ((pl.col(f"{s}_mean_24") - pl.col(f"{s}_mean_24").shift(13)) / 13)
            .over("machineID")
            .alias(f"{s}_slope_14d")
            for s in sensors
        ],
    )


@cache
def retail_online_daily() -> pl.DataFrame:
    """Revenue of each day in GBP cents, cancellations deducted, days without trade at zero."""
    columns = ["InvoiceDate", "Quantity", "UnitPrice"]
    raw = pl.read_csv(path("retail_online", "online_retail.csv.gz"), columns=columns)
    day = pl.col("InvoiceDate").str.slice(0, 10).str.to_date()
    cents = (pl.col("Quantity") * pl.col("UnitPrice") * 100).round().cast(pl.Int64)
    days = raw.group_by(day.alias("date")).agg(cents.sum().alias("revenue_cents"))
    return days.sort("date").upsample("date", every="1d").with_columns(pl.col("revenue_cents").fill_null(0))
