"""``throughline up``: from an empty folder, or the last state, to a running platform."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from serve.kernel import bootstrap, migrate
from serve.settings import Settings
from serve.supervisor import Child, Supervisor
from warehouse.postgres import Address, Server, die_with_parent, external
from warehouse.settings import PROJECT, Home


class PortTaken(RuntimeError):
    """A port we were told to use is in use."""


class Stages:
    """Prints what happens, with the time each stage took."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.say(f"{name} ({time.monotonic() - start:.1f} s)")


def up(home: Home, settings: Settings, *, size: str = "small", demo: bool = True) -> None:
    """Run the platform in the foreground until it is told to stop."""
    stages = Stages()
    for name, port in (("PORT", settings.port), ("DAGSTER_PORT", settings.dagster_port)):
        require_free(name, port)
    home.create()
    with Supervisor(home, stages.say) as supervisor:
        try:
            _start(home, settings, supervisor, stages, size=size, demo=demo)
            supervisor.watch()
        except KeyboardInterrupt:
            stages.say("stopping")
    stages.say("stopped; the data stays, 'make up' goes on from here")


def _start(
    home: Home, settings: Settings, supervisor: Supervisor, stages: Stages, *, size: str, demo: bool
) -> None:
    with stages.stage("PostgreSQL answers"):
        address = _database(home, supervisor)
    with stages.stage("schema is current"):
        bootstrap.ensure_database(address)
        migrate.upgrade(address)
    environment = pipeline_environment(home)
    api = supervisor.run(api_child(home, settings), url=f"http://{settings.host}:{settings.port}")
    supervisor.run(worker_child(home))
    # Side by side, because each waits for something else: Dagster's tables and dbt's manifest, and the demo data.
    preparing = launch(["-m", "pipelines", "instance"], environment)
    if demo:
        with stages.stage("demo business is loaded"):
            loading = launch(["-m", "pipelines", "demo", "load", "--size", size], environment)
            require(finish(loading, supervisor) == 0, "the demo business could not be loaded")
    with stages.stage("Dagster's tables and dbt's manifest are current"):
        require(finish(preparing, supervisor) == 0, "Dagster's tables could not be prepared")
    line = launch(["-m", "pipelines", "run"], environment)
    for child in dagster_children(home, settings, environment):
        supervisor.run(child)
    with stages.stage("API answers"):
        wait_for(
            f"http://{settings.host}:{settings.port}/health/live", supervisor, lambda status: status == 200
        )
    with stages.stage("first run of the line"):
        succeeded = finish(line, supervisor) == 0
    if not succeeded:
        stages.say(
            "the first run did not finish; see above and the Dagster UI. The schedule tries again every hour"
        )
    with stages.stage("Dagster UI answers"):
        wait_for(
            f"http://127.0.0.1:{settings.dagster_port}/server_info", supervisor, lambda status: status == 200
        )
    assert api.process is not None
    stages.say("ready")
    print(
        f"\n  dashboard   http://{settings.host}:{settings.port}/\n"
        f"  API         http://{settings.host}:{settings.port}/docs\n"
        f"  Dagster     http://127.0.0.1:{settings.dagster_port}/\n"
        "  log-ins     .venv/bin/throughline demo logins\n"
        "  stop        Ctrl-C\n",
        flush=True,
    )


def _database(home: Home, supervisor: Supervisor) -> Address:
    if url := os.environ.get("DATABASE_URL"):
        return external(home, url)
    server = Server(home.postgres, log=home.logs / "postgres.log")
    supervisor.run_server(server)
    return server.address


def pipeline_environment(home: Home) -> dict[str, str]:
    """What every process of ours needs to find the home and not to phone anybody."""
    return {
        "THROUGHLINE_HOME": str(home.root),
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONUNBUFFERED": "1",
    }


def api_child(home: Home, settings: Settings) -> Child:
    """The API: one uvicorn worker."""
    command = [sys.executable, "-m", "uvicorn", "serve.app:create_app", "--factory", "--no-access-log"]
    command += [
        "--http",
        "serve.kernel.wire:Protocol",
        "--host",
        settings.host,
        "--port",
        str(settings.port),
        "--timeout-graceful-shutdown",
        "10",
        "--ws-max-size",  # of a message of a client, before it is looked at
        "65536",
        "--ws-per-message-deflate",  # would be done again for each listener
        "false",
    ]
    return Child("api", command, home.logs / "api.log", {"THROUGHLINE_HOME": str(home.root)})


def worker_child(home: Home) -> Child:
    """What carries out tasks; started again under its own name, it goes on with what it left."""
    command = [sys.executable, "-m", "serve.cli", "worker"]
    return Child("worker", command, home.logs / "worker.log", {"THROUGHLINE_HOME": str(home.root)})


def dagster_children(home: Home, settings: Settings, environment: dict[str, str]) -> list[Child]:
    """One code server, and the web server and daemon that share it."""
    return [
        Child(
            name,
            [sys.executable, "-m", "pipelines", name, "--port", str(settings.dagster_port)],
            home.logs / f"{name}.log",
            environment,
        )
        for name in ("code-server", "webserver", "daemon")
    ]


def launch(module_arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start one of our modules; its output is the user's."""
    return subprocess.Popen(
        [sys.executable, *module_arguments],
        env={**os.environ, **environment, "THROUGHLINE_PROGRESS": "1"},
        cwd=PROJECT,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def finish(process: subprocess.Popen[bytes], supervisor: Supervisor) -> int:
    """Tend the platform until the process has ended; its status. Stopped ourselves, we stop it."""
    try:
        while process.poll() is None:
            supervisor.tend()
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
    return process.returncode


def require(fact: bool, otherwise: str) -> None:
    """Raise RuntimeError with these words unless it holds."""
    if not fact:
        raise RuntimeError(f"{otherwise}; see above")


def require_free(name: str, port: int) -> None:
    """Raise PortTaken when somebody listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(f"port {port} is in use; choose another with {name}=… make up") from error


def wait_for(
    url: str, supervisor: Supervisor, enough: Callable[[int], bool], *, timeout_s: float = 90.0
) -> None:
    """Wait until the address answers well; children that die meanwhile are started again."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        supervisor.tend()
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                if enough(answer.status):
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.1)
    raise RuntimeError(
        f"{url} did not answer within {timeout_s:.0f} s; see the logs under THROUGHLINE_HOME/logs"
    )
