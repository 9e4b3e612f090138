"""Thousands of articles: published one by one, learned from, searched and suggested from over HTTP."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psycopg
from rich.progress import track

from benchmarks import processes
from benchmarks.client import percentile
from benchmarks.common import Bar, Options, Result, console
from benchmarks.imports import Place, running
from benchmarks.processes import MemoryWatch, Sample

ARTICLES, TOPICS, WORDS = 5_000, 50, 120
"""As many as one tenant's model is learned from; a topic has 40 words of its own, every article some of all others."""
ROUNDS, WARM = 20, 2
MOST_MS = 100.0
LOOK_S, PATIENCE_S = 0.2, 600.0
KB = "/api/v1/knowledge-base"


def measure(options: Options) -> Result:
    count = options.rows or (200 if options.quick else ARTICLES)
    rounds = options.rounds or (2 if options.quick else ROUNDS)
    result = Result(f"articles {count:,}", "seconds: publishing all, learning, one round of all questions")
    with tempfile.TemporaryDirectory(prefix="bench-articles-") as folder, ExitStack() as stack:
        place = stack.enter_context(running(Path(folder)))
        published_s = _published(place, count)
        learned = _learned(place, count)
        with MemoryWatch(place.worker) as watch:
            sample = processes.call(
                "benchmarks.articles:asked", port=place.port, token=place.token, rounds=rounds
            )
    facts = sample.facts
    result.samples = {
        "publish": [Sample(published_s, 0, {})],
        "learn": [Sample(learned["took_s"], 0, {})],
        "questions": [Sample(sample.seconds / rounds, watch.peak_mb, {})],
    }
    result.facts = {
        "model_mb": round(learned["bytes"] / 1e6, 1),
        "dimensions": learned["dimensions"],
        "of_the_topic": facts["of_the_topic"],
    }
    for way, taken in facts["taken_ms"].items():
        p50, p99 = (percentile(taken, part) for part in (0.5, 0.99))
        result.facts[way] = {"questions": len(taken), "p50_ms": round(p50, 1), "p99_ms": round(p99, 1)}
        result.bars.append(Bar(f"p99 of {way}, in ms", p99, most=MOST_MS))
    return result


def texts(count: int) -> Iterator[tuple[str, str]]:
    """Title and body of articles of ``TOPICS`` topics in turn, from made-up words."""
    rng = np.random.default_rng(11)
    common = [f"common{number}" for number in range(2_000)]
    weights = 1 / np.arange(1, len(common) + 1)
    weights /= weights.sum()
    for number in range(count):
        own = rng.choice(_topic(number % TOPICS), WORDS // 3)
        others = rng.choice(common, WORDS, p=weights)
        words = rng.permutation(np.concatenate([own, others]))
        yield f"{own[0]} {own[1]} {number}", " ".join(words)


def _topic(number: int) -> list[str]:
    return [f"topic{number}word{each}" for each in range(40)]


def questions() -> Iterator[tuple[int, str]]:
    """(the topic, three of its words)."""
    rng = np.random.default_rng(12)
    for number in range(TOPICS):
        yield number, " ".join(rng.choice(_topic(number), 3, replace=False))


def _published(place: Place, count: int) -> float:
    """Seconds for all of them, over HTTP."""
    client = Client(place.port, place.token)
    began = time.perf_counter()
    for title, body in track(texts(count), "articles", total=count, console=console, transient=True):
        article = client.ask("POST", KB, {"title": title, "body": body})["data"]
        client.ask("POST", f"{KB}/{article['id']}/publish", {})
    return time.perf_counter() - began


def _learned(place: Place, count: int) -> dict[str, Any]:
    """The model of all articles, once there is one. Raises TimeoutError."""
    newest = (
        "select took_s, dimensions, octet_length(content) + octet_length(vectors) from article_models"
        " where article_count = %s order by number desc limit 1"
    )
    until = time.monotonic() + PATIENCE_S
    with (
        console.status("the worker learns what they are about"),
        psycopg.connect(place.address.url("super"), autocommit=True) as db,
    ):
        while (found := db.execute(newest, [count]).fetchone()) is None:
            if time.monotonic() > until:
                raise TimeoutError(f"no model of {count:,} articles after {PATIENCE_S:.0f} s")
            time.sleep(LOOK_S)
    return {"took_s": found[0], "dimensions": found[1], "bytes": found[2]}


class Client:
    """One connection that is kept."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:500]!r}")
        return json.loads(said)


def asked(port: int, token: str, rounds: int) -> dict[str, Any]:
    """Milliseconds of each answer, and which share of hits is of the topic; runs in a process of its own."""
    client = Client(port, token)
    taken: dict[str, list[float]] = {"searches": [], "suggestions": []}
    right = hits = 0
    began = time.perf_counter()
    for number in track(range(WARM + rounds), "rounds", console=console, transient=True):
        if number == WARM:
            began = time.perf_counter()
        for topic, words in questions():
            for way in taken:
                sent = time.perf_counter()
                if way == "searches":
                    found = client.ask("GET", f"{KB}/search?q={quote(words)}")
                else:
                    found = client.ask("POST", f"{KB}/suggestions", {"text": words})
                if number >= WARM:
                    taken[way].append(1000 * (time.perf_counter() - sent))
                rows = found["data"] if way == "searches" else found["data"]["articles"]
                hits += len(rows)
                right += sum(f"topic{topic}word" in row["title"] for row in rows)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "taken_ms": taken, "of_the_topic": round(right / max(1, hits), 3)}
