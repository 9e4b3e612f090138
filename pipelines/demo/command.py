"""Load the demo business into this installation, with progress for the person who waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pipelines.demo import Size, simulate
from pipelines.demo.loading import Login, load
from pipelines.progress import say
from warehouse.postgres import database
from warehouse.settings import Home, read_json, write_json


def load_demo(home: Home, *, size: str, seed: int, until: date | None = None) -> None:
    """Simulate and load; says so when the demo tenants are there already. Raises LoadRefused."""
    until = until or datetime.now(UTC).date() - timedelta(days=1)
    logins_file = home.root / "demo_logins.json"

    def keep(logins: Sequence[Login]) -> None:
        demo_tenants = {login.tenant for login in logins}
        others = [entry for entry in read_json(logins_file) or [] if entry["tenant"] not in demo_tenants]
        write_json(logins_file, [*map(asdict, logins), *others], mode=0o600)

    columns = (TextColumn("           {task.description}"), BarColumn(), MofNCompleteColumn())
    with database(home) as address, Progress(*columns, transient=True) as bars:
        tasks = {"tables": bars.add_task("tables"), "telemetry": bars.add_task("telemetry readings")}

        def show(stage: str, done: int, total: int) -> None:
            bars.update(tasks[stage], completed=done, total=total)

        report = load(
            address.url("super"), simulate(Size(size), seed, until=until), passwords=keep, on_progress=show
        )
    if report.is_new:
        say(
            f"demo business: {sum(report.rows.values()):,} rows in {report.seconds:.1f} s (simulated, up to {until})"
        )
    else:
        say("the demo business is there already")
