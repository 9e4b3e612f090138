"""Durable tasks: how many a second, beside a queue written by hand (the limit) and beside procrastinate."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg

from benchmarks import processes
from benchmarks.common import Bar, Options, Result, console, interleave
from benchmarks.processes import Sample
from serve.kernel import bootstrap, migrate
from warehouse.postgres import Address, Server

COUNT = 2_000
RAW, PEER, OURS, TWO_STEPS = "SKIP LOCKED by hand", "procrastinate", "ours, no step", "ours, two steps"


@dataclass(frozen=True)
class Place:
    """One server: our database with some tenants, and an empty one for whoever else."""

    address: Address
    other: str
    tenants: tuple[str, ...]

    def call(self, function: str, **arguments: Any) -> Sample:
        ours = {"api": self.address.url("api"), "worker": self.address.url("worker"), "tenants": self.tenants}
        return processes.call(f"benchmarks.tasks_runs:{function}", **ours, **arguments)


@contextmanager
def place() -> Iterator[Place]:
    """A server as production runs it: nothing is said to be done before it is on the disk."""
    with tempfile.TemporaryDirectory(prefix="bench-tasks-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder, "postgres"))
        address = server.start()
        try:
            bootstrap.ensure_database(address)
            migrate.upgrade(address)
            tenants = tuple(str(uuid4()) for _ in range(4))
            with psycopg.connect(address.url("super"), autocommit=True) as connection:
                connection.execute("create database other")
                for tenant_id in tenants:
                    connection.execute(
                        "insert into tenants (id, slug, name, kind, country, currency)"
                        " values (%s, %s, 'T', 'fleet', 'DE', 'EUR')",
                        (tenant_id, tenant_id),
                    )
            yield Place(address, address.database("other").url("super"), tenants)
        finally:
            server.stop()


def measure(options: Options) -> Result:
    count = options.rows or (50 if options.quick else COUNT)
    result = Result(f"tasks {count:,}", "tasks asked for one by one, then carried out, 8 at once", limit=RAW)
    with place() as here:
        others = {"url": here.other, "count": count}
        variants = {
            RAW: partial(processes.call, "benchmarks.tasks_runs:raw", **others),
            PEER: partial(processes.call, "benchmarks.tasks_runs:procrastinate", **others),
            OURS: partial(here.call, "ours", count=count, steps=0),
            TWO_STEPS: partial(here.call, "ours", count=count, steps=2),
        }
        interleave(result, variants, rounds=options.rounds or (1 if options.quick else 3))
        console.print("  one now and then, then none", style="dim")
        calm = here.call("calm", per_s=5, for_s=2 if options.quick else 40, steps=1)
    result.facts = {"rates": {name: rates(result, name) for name in variants}, "calm": calm.facts}
    enqueued, ended = ((what, result.facts["rates"]) for what in ("enqueued_per_s", "ended_per_s"))
    result.bars = [
        Bar("enqueued a second, of procrastinate's", ratio(*enqueued), least=0.5),
        Bar("ended a second, of procrastinate's", ratio(*ended), least=0.5),
        Bar("p99 from asked for to ended at a calm rate, ms", calm.facts["p99_ms"], most=600),
        Bar("idle worker, % of a core", calm.facts["idle_cpu_percent"], most=5),
    ]
    return result


def rates(result: Result, name: str) -> dict[str, float]:
    """Medians over the rounds."""
    samples = result.samples[name]
    return {
        what: median(sample.facts[what] for sample in samples) for what in ("enqueued_per_s", "ended_per_s")
    }


def ratio(what: str, rates: Mapping[str, Mapping[str, float]]) -> float:
    return rates[OURS][what] / rates[PEER][what]
