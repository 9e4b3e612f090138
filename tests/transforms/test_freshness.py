"""`dbt source freshness` judges what has been staged, and a stale source warns without failing a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.transforms.line import Line


@pytest.mark.parametrize(("age", "status"), [(timedelta(hours=30), "pass"), (timedelta(days=9), "warn")])
def test_telemetry_is_stale_after_two_days(line: Line, age: timedelta, status: str) -> None:
    ident = "00000000-0000-0000-0000-000000000001"
    moment = datetime.now(UTC) - age
    line.load("telemetry", [{"id": ident, "tenant_id": ident, "vehicle_id": ident, "recorded_at": moment}])
    line.build("stg_telemetry")
    line.build("stg_telemetry")  # leaves the landing view empty: nothing is new
    judged = line.dbt("source", "freshness", "--select", "source:landing.telemetry")
    assert [str(result.status) for result in judged.results] == [status]
