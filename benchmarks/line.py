"""The full line on fresh demo data: extract, transform, learn, publish, write back; wall by stage, peak memory."""

from __future__ import annotations

import statistics

from rich.table import Table

from benchmarks.common import Bar, Options, Result, console
from benchmarks.homes import chosen_size, demo_home

WALL_S = 600
PEAK_MB = 6 * 1024**3 / 1e6


def measure(options: Options) -> Result:
    """Each round has a fresh home: a second run of the line would find nothing to do."""
    size = chosen_size(options)
    result = Result(f"line {size}", "first run of the line, PostgreSQL's memory included")
    load_s = []
    for _ in range(options.rounds or (1 if options.quick else 3)):
        with demo_home(size) as demo:
            load_s.append(demo.load_s)
            result.samples.setdefault("line", []).append(demo.line())
    runs = result.samples["line"]
    stages = {
        step: statistics.median(run.facts["steps"].get(step, 0.0) for run in runs)
        for step in runs[0].facts["steps"]
    }
    around = result.median_s("line") - sum(stages.values())
    stages["start, parse, bookkeeping"] = around
    result.facts = {
        "size": size,
        "rows_read": runs[0].facts["rows_read"],
        "demo_load_s": load_s,
        "stages_s": stages,
        "stage_shares": {step: seconds / result.median_s("line") for step, seconds in stages.items()},
    }
    result.bars = [
        Bar(f"wall time of the line on {size}, s", max(run.seconds for run in runs), most=WALL_S),
        Bar("peak memory, MB", result.peak_mb("line"), most=PEAK_MB),
    ]
    _show_stages(stages, result.median_s("line"))
    return result


def _show_stages(stages: dict[str, float], wall_s: float) -> None:
    table = Table("stage", "seconds", "share")
    for step, seconds in sorted(stages.items(), key=lambda entry: -entry[1]):
        table.add_row(step, f"{seconds:.2f}", f"{seconds / wall_s:.0%}")
    console.print(table)
