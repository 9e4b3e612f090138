"""Where a run is killed: every stage, each at a function and a call of it drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Point:
    """A function of the line; ``calls`` bounds the call that is struck: a run makes at least so many.

    That holds for a run after those that were killed at the points before it, too.
    """

    at: str
    calls: int = 1
    when: tuple[str, ...] = ("before", "after")
    options: Mapping[str, Any] = field(default_factory=dict)

    def fault(self, draw: random.Random) -> dict[str, Any]:
        return {
            "what": "kill",
            "at": self.at,
            "nth": draw.randint(1, self.calls),
            "when": draw.choice(self.when),
        }


PUBLISH = {"only": ["publish"]}

STAGES: Mapping[str, tuple[Point, ...]] = {
    "ingest": (
        Point("pipelines.ingest.operational:plan", 20),  # extract: before anything is read
        Point("warehouse.landing.zone:LoadWriter.add", 3),  # extract: some chunks are there
        Point("warehouse.landing.zone:settle", 2),  # landing: some parts are in their place
        Point("warehouse.landing.zone:LoadWriter.make_durable", 2),  # all parts, no manifest
        Point("warehouse.landing.loads:Load.write", 2),  # manifest: some tables are committed
    ),
    "transform": (
        Point("pipelines.transform.warehouse_state:prepare"),
        Point("dbt.adapters.duckdb.connections:DuckDBConnectionManager.add_query", 150),
        Point("dbt.adapters.duckdb.connections:DuckDBConnectionManager.add_query", 300),
        Point("pipelines.transform.warehouse_state:mark_built"),
    ),
    "learn": (
        Point("ml.registry:Registry.save", 8, options={"train": "all"}),
        Point("ml.registry:Registry.promote", options={"only": ["learn"], "train": "all"}),
        Point("pipelines.learn.teach:replace", 6, options={"only": ["learn"]}),
    ),
    "publish": (
        Point("warehouse.releases.publish:_build"),
        Point("warehouse.releases.publish:_verify", options=PUBLISH),  # before the rename
        Point(
            "warehouse.releases.publish:write_durably", when=("before",), options=PUBLISH
        ),  # no description
        Point(
            "warehouse.releases.publish:point_to", when=("before",), options=PUBLISH
        ),  # described, not current
        Point("warehouse.releases.publish:point_to", when=("after",), options=PUBLISH),  # current
        Point("pipelines.publish.assets:write_back_scores", when=("before",), options=PUBLISH),
        Point("psycopg:Copy.write_row", 5, options=PUBLISH),  # scores on their way, nothing applied
        Point("pipelines.publish.assets:write_back_scores", when=("after",), options=PUBLISH),
    ),
}
