"""Features know nothing of what came after them: the same rows come out of data that had not yet heard of it."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.transforms.demo import demo_line
from tests.transforms.line import Line

DAYS_AGO = 365
"""Back to 30 June, a month's end: it is looked at in both lines."""
LATE_READINGS_DAYS = 3
"""Readings may arrive that much after the moment they were taken."""


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> Line:
    return demo_line(tmp_path_factory.mktemp("now"), "+features")


@pytest.fixture(scope="module")
def then(tmp_path_factory: pytest.TempPathFactory) -> Line:
    return demo_line(tmp_path_factory.mktemp("then"), "+features", days_ago=DAYS_AGO)


def both(then: Line, now: Line, table: str, key: str, when: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The features of the rows that `then` had, as they were and as they are; labels left out."""
    labels = {"next_failure_at", "churned_at", "snapshot_churned", "is_won", "closed_at", "known_until_at"}
    earlier = then.read(f"select * from features.{table} where {when} order by all")
    earlier = earlier.drop(labels & set(earlier.columns))
    keys = key.split(", ")
    later = now.read(f"select * from features.{table}").select(earlier.columns)
    later = later.join(earlier.select(keys), on=keys, how="semi")
    return earlier.sort(keys), later.sort(keys)


@pytest.mark.parametrize(
    ("table", "key", "when", "at_least"),
    [
        (
            "vehicle_days",
            "vehicle_id, as_of_at",
            f"as_of_at < known_until_at - interval {LATE_READINGS_DAYS} day",
            1_000,
        ),
        ("account_months", "account_id, as_of_date", "true", 1_000),
        ("leads", "lead_id", "as_of_at < known_until_at", 100),
        ("revenue_days", "tenant_id, date", "true", 1_000),
    ],
)
def test_later_events_change_no_earlier_feature(
    then: Line, now: Line, table: str, key: str, when: str, at_least: int
) -> None:
    earlier, later = both(then, now, table, key, when)
    assert earlier.height >= at_least
    assert_frame_equal(earlier, later, check_exact=False, rel_tol=1e-12)


def test_there_is_something_that_could_leak(then: Line, now: Line) -> None:
    """Leads that `then` had looked at for good went on to do things."""
    seen = then.read("select lead_id, known_until_at from features.leads where as_of_at < known_until_at")
    done = now.read("select lead_id, happened_at from staging.stg_lead_activities")
    assert seen.join(done, on="lead_id").filter(pl.col("happened_at") > pl.col("known_until_at")).height > 0


def test_the_labels_do_look_ahead(then: Line, now: Line) -> None:
    count = "select count(next_failure_at) from features.vehicle_days where as_of_at < '{moment}'"
    moment = then.read("select max(as_of_at) from features.vehicle_days").item()
    assert then.read(count.format(moment=moment)).item() < now.read(count.format(moment=moment)).item()


def test_an_account_that_has_left_is_looked_at_no_more(now: Line) -> None:
    left = now.read("select * from features.account_months where churned_at <= as_of_date + interval 1 day")
    assert left.is_empty()
    assert (
        now.read(
            "select count(distinct account_id) from features.account_months where churned_at is not null"
        ).item()
        > 5
    )
