"""Where a run is killed: every stage, each at a function and a call of it drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Point:
    """A function of the line; ``calls`` bounds the call that is struck (a run makes at least so many)."""

    at: str
    calls: int = 1
    when: tuple[str, ...] = ("before", "after")
    train: str = "none"

    def fault(self, draw: random.Random) -> dict[str, Any]:
        return {
            "what": "kill",
            "at": self.at,
            "nth": draw.randint(1, self.calls),
            "when": draw.choice(self.when),
        }


STAGES: Mapping[str, tuple[Point, ...]] = {
    "ingest": (
        Point("pipelines.ingest.operational:plan", 20),  # extract: before anything is read
        Point("warehouse.landing.zone:LoadWriter.add", 5),  # extract: some chunks are there
        Point("warehouse.landing.zone:settle", 6),  # landing: some parts are in their place
        Point("warehouse.landing.zone:LoadWriter.make_durable", 5),  # all parts, no manifest
        Point("warehouse.landing.loads:Load.write", 5),  # manifest: some tables are committed
    ),
    "transform": (
        Point("pipelines.transform.warehouse_state:prepare"),
        Point("dbt.adapters.duckdb.connections:DuckDBConnectionManager.add_query", 150),
        Point("dbt.adapters.duckdb.connections:DuckDBConnectionManager.add_query", 300),
        Point("pipelines.transform.warehouse_state:mark_built"),
    ),
    "learn": (
        Point("ml.registry:Registry.save", 8, train="all"),
        Point("ml.registry:Registry.promote", 1, train="all"),
        Point("pipelines.learn.teach:replace", 6),
    ),
    "publish": (
        Point("warehouse.releases.publish:_build"),
        Point("warehouse.releases.publish:_verify"),  # before the rename
        Point("warehouse.releases.publish:write_durably", when=("before",)),  # file there, no description
        Point("warehouse.releases.publish:point_to", when=("before",)),  # described, not current
        Point("warehouse.releases.publish:point_to", when=("after",)),  # current
        Point("pipelines.publish.assets:write_back_scores", when=("before",)),
        Point("psycopg:Copy.write", when=("after",)),  # scores sent, nothing applied
        Point("pipelines.publish.assets:write_back_scores", when=("after",)),
    ),
}
