"""A million leads of one tenant, asked over HTTP by each filter and order that is documented, and by the search."""

from __future__ import annotations

import http.client
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import psycopg
from rich.progress import track

from benchmarks import processes
from benchmarks.client import percentile
from benchmarks.common import Bar, Options, Result, console
from benchmarks.imports import Place, running
from benchmarks.leads_set import QUESTIONS, SEARCHES, fill, tenant
from benchmarks.processes import MemoryWatch, Sample

ROWS, OTHERS = 1_000_000, 8
ROUNDS, WARM = 100, 2
MOST_MS = 50.0
LISTS = [f"/api/v1/leads?{quote(question, safe='=&,')}" for question in QUESTIONS]
SEARCHED = [f"/api/v1/search?q={quote(words)}" for words in SEARCHES]


def measure(options: Options) -> Result:
    rows = options.rows or (2_000 if options.quick else ROWS)
    rounds = options.rounds or (2 if options.quick else ROUNDS)
    result = Result(
        f"leads {rows:,}", "one client, one answer after the other; seconds of one round of all questions"
    )
    with tempfile.TemporaryDirectory(prefix="bench-leads-") as folder, ExitStack() as stack:
        place = stack.enter_context(running(Path(folder)))
        _filled(place, rows)
        with MemoryWatch(place.worker) as watch:
            sample = processes.call(
                "benchmarks.leads:asked", port=place.port, token=place.token, rounds=rounds
            )
    taken: dict[str, list[float]] = dict(sample.facts["taken_ms"])
    result.samples["all questions"] = [Sample(sample.seconds / rounds, watch.peak_mb, {})]
    lists, searches = _told(taken, LISTS), _told(taken, SEARCHED)
    result.facts = lists | {"searches": searches}
    for name, told in (("question", lists), ("search", searches)):
        worst_ms = next(iter(told["slowest"].values()))[1]
        result.bars.append(Bar(f"p99 of the slowest {name}, in ms", worst_ms, most=MOST_MS))
    return result


def _told(taken: dict[str, list[float]], paths: list[str]) -> dict[str, Any]:
    """Of these questions: how many, p50 and p99 of all together, and of each of the slowest ones."""
    slowest = sorted(paths, key=lambda path: percentile(taken[path], 0.99), reverse=True)
    each = [ms for path in paths for ms in taken[path]]
    return {
        "questions": len(paths),
        "p50_ms": round(percentile(each, 0.5), 1),
        "p99_ms": round(percentile(each, 0.99), 1),
        "slowest": {
            unquote(path.partition("?")[2]) or "(none)": [
                round(percentile(taken[path], part), 1) for part in (0.5, 0.99)
            ]
            for path in slowest[:10]
        },
    }


def _filled(place: Place, rows: int) -> None:
    """The tenant whose owner has the token; others have some too."""
    with (
        console.status(f"{rows:,} leads are made"),
        psycopg.connect(place.address.url("super"), autocommit=True) as db,
    ):
        [(own,)] = db.execute("select tenant_id from memberships").fetchall()
        fill(db, {own: rows} | {tenant(db, f"other-{n}"): rows // 100 for n in range(OTHERS)})


def asked(port: int, token: str, rounds: int) -> dict[str, Any]:
    """Milliseconds of each question in each round; runs in a process of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    taken: dict[str, list[float]] = {path: [] for path in LISTS + SEARCHED}
    headers = {"Authorization": f"Bearer {token}"}
    began = time.perf_counter()
    for number in track(range(WARM + rounds), "rounds", console=console, transient=True):
        if number == WARM:
            began = time.perf_counter()
        for path in taken:
            sent = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {said[:500]!r}")
            if number >= WARM:
                taken[path].append(1000 * (time.perf_counter() - sent))
    return {"seconds": time.perf_counter() - began, "taken_ms": taken}
