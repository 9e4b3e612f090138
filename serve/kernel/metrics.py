"""What the process counts about itself, for Prometheus. Labels are templates and classes, never values of a client."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WS"})


class Timing:
    """How long the requests of one kind took."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts, self.total_s = [0] * (len(BUCKETS_S) + 1), 0.0


class Meters:
    """Counters of requests, and gauges that are read when somebody asks. A registry of its own for each application."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._timings: dict[tuple[str, str], Timing] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float | None]]] = {}
        self._groups: dict[str, tuple[str, str, Callable[[], Mapping[str, float]]]] = {}
        self._counters: dict[str, tuple[str, Callable[[], float]]] = {}
        self._registry = CollectorRegistry()
        self._registry.register(_Reading(self))

    def count(self, method: str, route: str, status: int, duration_s: float) -> None:
        """One request that has ended; ``status`` 0 when its client left before an answer began."""
        if method not in _METHODS:
            method = "other"
        key = (method, route, status // 100)
        self._requests[key] = self._requests.get(key, 0) + 1
        timing = self._timings.get((method, route))
        if timing is None:
            timing = self._timings[method, route] = Timing()
        timing.counts[bisect_left(BUCKETS_S, duration_s)] += 1
        timing.total_s += duration_s

    def gauge(self, name: str, help: str, read: Callable[[], float | None]) -> None:
        """A number as it is when asked for; None leaves it out."""
        self._gauges[name] = (help, read)

    def group(self, name: str, help: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Several such numbers of one name, each with a value of the label."""
        self._groups[name] = (help, label, read)

    def counter(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A number that only grows, kept elsewhere."""
        self._counters[name] = (help, read)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self._registry)

    def families(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "throughline_requests", "Requests that have ended.", labels=("method", "route", "status")
        )
        for (method, route, hundreds), number in self._requests.items():
            requests.add_metric((method, route, f"{hundreds}xx" if hundreds else "gone"), number)
        yield requests
        durations = HistogramMetricFamily(
            "throughline_request_duration_seconds",
            "From the first byte of the request to the last of its answer.",
            labels=("method", "route"),
        )
        bounds = [*map(str, BUCKETS_S), "+Inf"]
        for labels, timing in self._timings.items():
            buckets = list(zip(bounds, accumulate(timing.counts), strict=True))
            durations.add_metric(labels, buckets, timing.total_s)
        yield durations
        for name, (help, read) in self._gauges.items():
            if (value := read()) is not None:
                yield GaugeMetricFamily(name, help, value)
        for name, (help, label, read_all) in self._groups.items():
            group = GaugeMetricFamily(name, help, labels=(label,))
            for of, value in read_all().items():
                group.add_metric((of,), value)
            yield group
        for name, (help, read) in self._counters.items():
            yield CounterMetricFamily(name, help, read())


class _Reading:
    """What the registry asks."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def collect(self) -> Iterator[Metric]:
        return self._meters.families()

    def describe(self) -> list[Metric]:
        return []
