"""Dagster's PostgreSQL storage over a small pool: as it comes it opens a connection for every event."""

from __future__ import annotations

from typing import Any

from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from sqlalchemy import create_engine


def _pooled(url: str) -> Any:
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=3, pool_pre_ping=True)


class PooledEventLogStorage(PostgresEventLogStorage):
    """Events; named in ``dagster.yaml``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._engine = _pooled(self.postgres_url)


class PooledRunStorage(PostgresRunStorage):
    """Runs; named in ``dagster.yaml``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._engine = _pooled(self.postgres_url)


class PooledScheduleStorage(PostgresScheduleStorage):
    """Schedules and sensors; named in ``dagster.yaml``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._engine = _pooled(self.postgres_url)
