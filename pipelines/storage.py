"""Dagster's PostgreSQL storage over a small pool: as it comes it opens a connection for every event.

Its transactions do not wait for the disk. What a power cut takes are the last events of runs that it ends too; runs
that look unfinished are ended before the next one, and nothing that the business wrote is concerned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from dagster._serdes import ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from sqlalchemy import create_engine, make_url


class _Pooled:
    """What the three storages share; Dagster's own ``from_config_value`` would make the unpooled class."""

    postgres_url: str

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        url = make_url(self.postgres_url)
        options = f"{url.query.get('options', '')} -c synchronous_commit=off"
        self._engine = create_engine(
            url.update_query_dict({"options": options}),
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=3,
            pool_pre_ping=True,
        )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(inst_data=inst_data, postgres_url=config_value["postgres_url"])


class PooledEventLogStorage(_Pooled, PostgresEventLogStorage):
    """Events; named in ``dagster.yaml``."""


class PooledRunStorage(_Pooled, PostgresRunStorage):
    """Runs; named in ``dagster.yaml``."""


class PooledScheduleStorage(_Pooled, PostgresScheduleStorage):
    """Schedules and sensors; named in ``dagster.yaml``."""
