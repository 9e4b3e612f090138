"""``throughline``: the platform's verbs. Those of the pipeline start ``python -m pipelines``."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from warehouse.settings import PROJECT, Home

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
pipeline = typer.Typer(no_args_is_help=True, help="The line of data.")
release = typer.Typer(no_args_is_help=True, help="What the API answers from.")
demo = typer.Typer(no_args_is_help=True, help="The simulated business.")
app.add_typer(pipeline, name="pipeline")
app.add_typer(release, name="release")
tenant = typer.Typer(no_args_is_help=True, help="Tenants, by whoever runs the installation.")
app.add_typer(demo, name="demo")
app.add_typer(tenant, name="tenant")


def main() -> None:
    app()


def fail(message: str) -> typer.Exit:
    """Say what is wrong in plain words and end with status 1."""
    typer.echo(f"throughline: {message}", err=True)
    return typer.Exit(1)


@app.command()
def up(
    size: Annotated[str, typer.Option(help="Size of the demo business: small, medium or large.")] = "small",
    demo: Annotated[bool, typer.Option(help="Load the demo business into an empty store.")] = True,
) -> None:
    """Run the whole platform in the foreground; Ctrl-C stops it, the data stays."""
    from serve.settings import Settings
    from serve.supervisor import AlreadyRunning
    from serve.up import PortTaken
    from serve.up import up as run_up
    from warehouse.postgres import PostgresFailed

    try:
        run_up(Home(), Settings(), size=size, demo=demo)
    except (AlreadyRunning, PortTaken, PostgresFailed, RuntimeError) as error:
        raise fail(str(error)) from error


def _pipelines(*arguments: str) -> None:
    """Run a verb of the pipeline on a store whose schema is current; without a running server one runs meanwhile."""
    from serve.kernel import bootstrap, migrate
    from warehouse.postgres import database

    with database(Home()) as address:
        bootstrap.ensure_database(address)
        migrate.upgrade(address)
        done = subprocess.run([sys.executable, "-m", "pipelines", *arguments], cwd=PROJECT, env=os.environ)
    if done.returncode:
        raise typer.Exit(done.returncode)


@pipeline.command("run")
def pipeline_run(
    sources: Annotated[
        Path | None, typer.Option(help="Folder with data sets that a source profile knows.")
    ] = None,
    full_refresh: Annotated[bool, typer.Option(help="Rebuild every table from the landing zone.")] = False,
    train: Annotated[str, typer.Option(help="Which models to train: missing, all or none.")] = "missing",
) -> None:
    """Ingest what changed, transform, learn, publish, write back."""
    words = ["run", "--train", train]
    words += ["--sources", str(sources.resolve())] if sources else []
    words += ["--full-refresh"] if full_refresh else []
    _pipelines(*words)


@pipeline.command("replay")
def pipeline_replay(source: str | None = None, table: str | None = None) -> None:
    """Try quarantined rows again after a contract or a profile was mended."""
    words = ["replay", *(["--source", source] if source else []), *(["--table", table] if table else [])]
    _pipelines(*words)


@demo.command("load")
def demo_load(size: str = "small", seed: int = 2) -> None:
    """Load the simulated business; does nothing when it is there."""
    _pipelines("demo", "load", "--size", size, "--seed", str(seed))


@demo.command("logins")
def demo_logins(as_json: Annotated[bool, typer.Option("--json", help="As a JSON list.")] = False) -> None:
    """Who may log in to the demo, with passwords made for this installation."""
    from warehouse.settings import read_json

    logins = read_json(Home().root / "demo_logins.json")
    if logins is None:
        raise fail("no demo business here; 'throughline demo load' makes one")
    if as_json:
        typer.echo(json.dumps(logins, indent=1))
        return
    for entry in logins:
        typer.echo(f"{entry['tenant']:28} {entry['role']:12} {entry['email']:44} {entry['password']}")


@tenant.command("create")
def tenant_create(
    name: str,
    owner: Annotated[str, typer.Option(help="Address of an account that becomes its owner.")],
    country: Annotated[str, typer.Option(help="ISO 3166, such as DE.")],
    timezone: Annotated[str, typer.Option(help="Such as Europe/Berlin.")],
    currency: Annotated[str, typer.Option(help="ISO 4217, such as EUR.")],
    kind: str = "fleet",
    slug: str | None = None,
) -> None:
    """Make a tenant; a running service is needed."""
    from serve.identity.tenants import operating

    fields = {"name": name, "slug": slug, "kind": kind}
    place = {"country": country, "timezone": timezone, "currency": currency}
    typer.echo(_operated(operating.create(owner, **fields, **place)))


@tenant.command("suspend")
def tenant_suspend(slug: str, reason: str) -> None:
    """Let a tenant stand still: within a second nobody of it can do anything."""
    from serve.identity.tenants import operating

    if not _operated(operating.suspend(slug, reason)):
        raise fail(f"no tenant '{slug}' that could be suspended")


@tenant.command("resume")
def tenant_resume(slug: str) -> None:
    """Let a suspended tenant go on."""
    from serve.identity.tenants import operating

    if not _operated(operating.resume(slug)):
        raise fail(f"no tenant '{slug}' that is suspended")


def _operated(work: Coroutine[Any, Any, Any]) -> Any:
    from serve.kernel.errors import Problem

    try:
        return asyncio.run(work)
    except Problem as problem:
        said = "; ".join(f"{field} {message}" for field, message in problem.details)
        raise fail(f"{problem.detail} {said}".strip()) from problem


@release.command("list")
def release_list() -> None:
    """Kept releases, newest first; the star marks the one that answers."""
    from warehouse import releases

    home = Home()
    current = releases.current(home.releases)
    for entry in releases.list_releases(home.releases):
        star = "*" if current and entry.id == current.id else " "
        typer.echo(
            f"{star} {entry.id}  as of {entry.as_of:%Y-%m-%d %H:%M}  {sum(entry.rows.values()):>12,} rows"
        )


@release.command("rollback")
def release_rollback(
    to: Annotated[str | None, typer.Argument(help="A release id; without it the one before.")] = None,
) -> None:
    """Answer from an earlier release; running readers move within a second."""
    from warehouse import releases

    try:
        entry = releases.rollback(Home().releases, to)
    except (releases.ReleaseError, ValueError) as error:
        raise fail(str(error)) from error
    typer.echo(f"current is now {entry.id}")


@app.command()
def worker() -> None:
    """Carry out tasks until stopped; every worker beside another needs a WORKER_NAME of its own."""
    from serve.settings import Settings
    from serve.worker import run

    run(Settings())


@app.command()
def openapi() -> None:
    """Print the OpenAPI document; needs no database."""
    from serve.app import create_app

    typer.echo(json.dumps(create_app().openapi(), indent=1))


@app.command()
def doctor() -> None:
    """Say what is missing or misconfigured, in plain words; status 1 when something is."""
    from serve.doctor import examine

    findings = examine(Home())
    for finding in findings:
        typer.echo(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.text}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
