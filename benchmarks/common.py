"""The rules that every figure keeps: interleaved rounds, the limit first and last, ratios, every sample kept."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.processes import PROJECT, Sample

RESULTS = PROJECT / "benchmarks" / "results.json"
DRIFT = 0.15  # the limit may differ by this share between the first and the last look
PACKAGES = (
    "duckdb",
    "polars",
    "pyarrow",
    "dagster",
    "dbt-core",
    "dbt-duckdb",
    "fastapi",
    "starlette",
    "uvicorn",
)

console = Console()


@dataclass(frozen=True)
class Options:
    """What the command line asked for; a benchmark takes what concerns it."""

    rows: int | None = None
    size: str | None = None
    rounds: int | None = None
    quick: bool = False
    home: Path | None = None


@dataclass(frozen=True)
class Bar:
    """A promise: this value may not be above ``most`` or below ``least``."""

    text: str
    value: float | None  # None: a peer is absent
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool | None:
        if self.value is None:
            return None
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )


@dataclass
class Result:
    """One benchmark's samples by variant, and what follows from them."""

    name: str
    about: str
    limit: str | None = None  # the variant that everything is compared with
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    limit_again: Sample | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def median_s(self, variant: str) -> float:
        return statistics.median(sample.seconds for sample in self.samples[variant])

    def peak_mb(self, variant: str) -> float:
        """The highest of all rounds: a bound must hold always."""
        return max(sample.peak_mb for sample in self.samples[variant])

    def ratio(self, variant: str, other: str) -> float | None:
        """Median seconds of one by those of the other; None when one is absent."""
        if variant not in self.samples or other not in self.samples:
            return None
        return self.median_s(variant) / self.median_s(other)

    @property
    def drift(self) -> float | None:
        """How far the limit moved from its first to its last look, as a share of the smaller."""
        if self.limit is None or self.limit_again is None:
            return None
        first, last = self.samples[self.limit][0].seconds, self.limit_again.seconds
        return abs(last - first) / min(first, last)

    @property
    def is_valid(self) -> bool:
        return self.drift is None or self.drift <= DRIFT

    @property
    def holds(self) -> bool:
        """Whether the run is valid and no bar that could be measured is broken."""
        return self.is_valid and not any(bar.holds is False for bar in self.bars)

    def as_dict(self) -> dict[str, Any]:
        variants = {}
        for name, samples in self.samples.items():
            seconds = [sample.seconds for sample in samples]
            variants[name] = {
                "median_s": self.median_s(name),
                "range_s": [min(seconds), max(seconds)],
                "peak_mb": self.peak_mb(name),
                "ratio_to_limit": self.ratio(name, self.limit) if self.limit else None,
                "samples": [asdict(sample) for sample in samples],
            }
        return {
            "about": self.about,
            "limit": self.limit,
            "limit_again": self.limit_again and asdict(self.limit_again),
            "drift": self.drift,
            "is_valid": self.is_valid,
            "variants": variants,
            "bars": [{**asdict(bar), "holds": bar.holds} for bar in self.bars],
            "skipped": self.skipped,
            "facts": self.facts,
        }


def interleave(result: Result, variants: Mapping[str, Callable[[], Sample]], *, rounds: int) -> None:
    """A B C A B C …, then the limit once more; the samples go into the result."""
    for number in range(1, rounds + 1):
        for name, variant in variants.items():
            sample = variant()
            result.samples.setdefault(name, []).append(sample)
            console.print(
                f"  {number}/{rounds} {name}: {sample.seconds:.4g} s, {sample.peak_mb:.0f} MB", style="dim"
            )
    if result.limit:
        result.limit_again = variants[result.limit]()


def environment() -> dict[str, Any]:
    """Where and on what the figures were taken."""
    return {
        "revision": _git("rev-parse", "--short=12", "HEAD"),
        "is_clean": not _git("status", "--porcelain", "--untracked-files=no"),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, text=True)
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def show(result: Result, *, judge: bool = True) -> None:
    """The result as tables on the terminal; without ``judge`` the bars are left out."""
    table = Table(title=f"{result.name}: {result.about}", title_justify="left", title_style="bold")
    for heading in ("variant", "median s", "range s", "/ limit", "peak MB"):
        table.add_column(heading, justify="left" if heading == "variant" else "right")
    for name, samples in result.samples.items():
        seconds = [sample.seconds for sample in samples]
        ratio = result.ratio(name, result.limit) if result.limit else None
        table.add_row(
            name + (" (limit)" if name == result.limit else ""),
            f"{result.median_s(name):.4g}",
            f"{min(seconds):.4g}-{max(seconds):.4g}",
            f"{ratio:.2f}" if ratio is not None else "",
            f"{result.peak_mb(name):.0f}",
        )
    console.print(table)
    for bar in result.bars if judge else ():
        console.print(said(bar))
    for name, reason in result.skipped.items():
        console.print(f"  left out {name}: {reason}", style="yellow")
    if judge and not result.is_valid:
        console.print(
            f"  INVALID: the limit moved by {result.drift:.0%}; repeat on a quiet machine", style="bold red"
        )


def said(bar: Bar) -> str:
    """A bar as a line of rich text."""
    wanted = f">= {bar.least:g}" if bar.least is not None else f"<= {bar.most:g}"
    if bar.value is None:
        return f"  [yellow]not measured[/]  {bar.text}: wanted {wanted}"
    verdict = "[green]holds[/]  " if bar.holds else "[red]BROKEN[/] "
    return f"  {verdict} {bar.text}: {bar.value:.3g}, wanted {wanted}"


def keep(results: Sequence[Result], path: Path, *, loads: tuple[float, float]) -> None:
    """Merge into the file by the benchmark's name; ``loads`` are the load averages before and after."""
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    where = environment() | {"load_average": {"before": loads[0], "after": loads[1]}}
    for result in results:
        known[result.name] = {"environment": where, **result.as_dict()}
    path.write_text(json.dumps(known, indent=1, default=str) + "\n")
