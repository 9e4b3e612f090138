"""A 1 % increment beside a full build: their work (extract and model execution), and the increment's wall time."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.common import Bar, Options, Result, console
from benchmarks.homes import chosen_size, demo_home
from benchmarks.processes import Sample

SHARE = 0.01


def measure(options: Options) -> Result:
    """Each round has a home of its own, because the same eight days can be lived only once."""
    size = chosen_size(options)
    result = Result(f"increment {size}", "1 % more data, then a run of the line", limit="full build, work")
    changed: dict[str, Any] = {}
    for number in range(1, (options.rounds or (1 if options.quick else 3)) + 1):
        with demo_home(size) as demo:
            full = demo.line(dbt_threads=1)
            changed = demo.live_on(SHARE)
            small = demo.line(dbt_threads=1)
        for name, sample in (("full build", full), ("1 % increment", small)):
            result.samples.setdefault(name, []).append(sample)
            result.samples.setdefault(f"{name}, work", []).append(Sample(work_s(sample), sample.peak_mb))
            console.print(
                f"  {number} {name}: {sample.seconds:.1f} s wall, {work_s(sample):.2f} s work", style="dim"
            )
    result.facts = {
        "size": size,
        "rows_added": sum(added for added, _ in changed.values()),
        "rows_changed": sum(count for _, count in changed.values()),
        "rows_read_full": full.facts["rows_read"],
        "rows_read_increment": small.facts["rows_read"],
    }
    ratios = [
        few.seconds / all_.seconds
        for few, all_ in zip(
            result.samples["1 % increment, work"], result.samples["full build, work"], strict=True
        )
    ]
    wall_s = max(sample.seconds for sample in result.samples["1 % increment"])
    result.bars = [
        Bar("work of a 1 % increment, of a full build's", statistics.median(ratios), most=0.10),
        Bar(f"wall time of a 1 % increment on {size}, s", wall_s, most=30),
    ]
    return result


def work_s(sample: Sample) -> float:
    """Seconds of extracting and of executing models: no start-up, no parsing, no publishing.

    With one worker of dbt, because the seconds of two that wait for each other add up to more than was done.
    """
    return float(sample.facts["extract_s"]) + float(sample.facts["models_s"])
