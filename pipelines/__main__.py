"""``python -m pipelines``: the pipeline's verbs, as the command line and the supervisor start them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from pipelines import instance, progress
from warehouse.postgres import database
from warehouse.settings import PROJECT, Home

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
demo = typer.Typer(no_args_is_help=True, help="The simulated business.")
app.add_typer(demo, name="demo")


@app.command()
def run(
    sources: Annotated[
        Path | None, typer.Option(help="Folder with data sets that a source profile knows.")
    ] = None,
    full_refresh: Annotated[bool, typer.Option(help="Rebuild every table from the landing zone.")] = False,
    full: Annotated[bool, typer.Option(help="Read every operational row again.")] = False,
    train: Annotated[str, typer.Option(help="Which models to train: missing, all or none.")] = "missing",
) -> None:
    """Run the whole line once, in this process, recorded in Dagster."""
    progress.turn_on()
    home = Home().create()
    with database(home) as address:
        instance.enter(home, address)
        from pipelines.line import run_line

        good = run_line(sources=sources, full_refresh=full_refresh, full=full, train=train)
    sys.exit(0 if good else 1)


@app.command()
def replay(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table.")] = None,
) -> None:
    """Try quarantined rows again, after a contract or a profile was mended; the next run builds what landed."""
    from pipelines.ingest.upkeep import replay_quarantine

    for load in replay_quarantine(Home().create(), source=source, table=table):
        print(
            f"{load.source}/{load.table}: {load.rows_landed:,} landed, {load.rows_quarantined:,} still set apart"
        )


@app.command()
def erase() -> None:
    """Take rows of erased people out of the landing zone and the warehouse, where the service has asked for it."""
    from pipelines.ingest.erasing import erase_requested

    home = Home().create()
    with database(home) as address:
        print(f"{erase_requested(home, address)} requests carried out")


@app.command("instance")
def prepare_instance() -> None:
    """Make or upgrade Dagster's tables, end runs whose process is gone, and parse the dbt project if it changed."""
    home = Home().create()
    with database(home) as address:
        instance.enter(home, address)
        instance.prepare()
    from pipelines.transform import project

    project.prepare(home)


def _exec(module: str, *arguments: str) -> None:
    """Become a Dagster program."""
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606


def _workspace(home: Home) -> Path:
    path = home.dagster / "workspace.yaml"
    server = {"socket": str(_socket(home)), "location_name": "throughline"}
    path.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
    return path


def _socket(home: Home) -> Path:
    return home.sockets / "code.sock"


@app.command("code-server")
def code_server(port: int = 0) -> None:
    """The process that holds our definitions; web server and daemon share it."""
    home = Home().create()
    with database(home) as address:
        instance.enter(home, address)
        instance.after_a_code_server()
    _socket(home).unlink(missing_ok=True)
    _exec("dagster", "code-server", "start", "-m", "pipelines.definitions", "-s", str(_socket(home)))


@app.command()
def webserver(port: int = 3000) -> None:
    """The Dagster UI, on loopback."""
    home = Home().create()
    with database(home) as address:
        instance.enter(home, address)
    _exec("dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", str(_workspace(home)))


@app.command()
def daemon(port: int = 0) -> None:
    """Schedules, sensors, queued runs, monitoring."""
    home = Home().create()
    with database(home) as address:
        instance.enter(home, address)
    _exec("dagster._daemon", "run", "-w", str(_workspace(home)))


@demo.command()
def load(size: str = "small", seed: int = 2) -> None:
    """Simulate the three demo tenants and load them; does nothing when they are there."""
    progress.turn_on()
    from pipelines.demo.command import load_demo

    load_demo(Home().create(), size=size, seed=seed)


if __name__ == "__main__":
    app()
