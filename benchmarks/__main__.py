"""``python -m benchmarks [names…]``: measure, print, and merge into benchmarks/results.json."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common import RESULTS, Options, Result, console, keep, show

NAMES = (
    "startup",
    "ingest",
    "files",
    "dbt_overhead",
    "serve",
    "calls",
    "realtime",
    "export",
    "imports",
    "leads",
    "articles",
    "increment",
    "line",
    "tasks",
    "people",
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(NAMES)}; all unless said.")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Rows of ingest and files.")] = None,
    size: Annotated[str | None, typer.Option(help="Size of the demo: tiny, small, medium.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Interleaved rounds.")] = None,
    quick: Annotated[
        bool, typer.Option(help="Tiny data, one round, nothing kept: shows that all works, judges nothing.")
    ] = False,
    home: Annotated[
        Path | None, typer.Option(help="A home with a finished run, for serve and dbt_overhead; read only.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Where the figures are kept.")] = RESULTS,
) -> None:
    """Status 1 when a bar is broken or a run was invalid."""
    if unknown := set(names or ()) - set(NAMES):
        raise typer.BadParameter(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    options = Options(rows=rows, size=size, rounds=rounds, quick=quick, home=home)
    done: list[Result] = []
    for name in names or NAMES:
        console.rule(name)
        before = os.getloadavg()[0]
        result = importlib.import_module(f"benchmarks.{name}").measure(options)
        show(result, judge=not quick)
        done.append(result)
        if not quick:
            keep([result], results, loads=(before, os.getloadavg()[0]))
    if not quick and any(not result.holds for result in done):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
