"""What a person needs to hear when the platform does not do what it should."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.rows import dict_row

from serve.kernel.tasks.figures import QUEUES, WORKERS, Figures
from serve.settings import Settings
from warehouse.postgres import PostgresFailed, alive, answers, binary, running
from warehouse.settings import Home, read_json

LEAST_FREE_GB = 2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in plain words."""

    ok: bool
    text: str


def examine(home: Home) -> list[Finding]:
    """Look at everything a run needs; changes nothing."""
    return [*_machine(home), *_database(home), *_ports(home), *_line(home), *_tasks(home)]


def _machine(home: Home) -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding((3, 11) <= sys.version_info < (3, 14), f"Python {version} (3.11 to 3.13 are supported)")
    existing = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    writable = os.access(existing, os.W_OK)
    yield Finding(
        writable, f"THROUGHLINE_HOME is {home.root}" + ("" if writable else ": this user may not write there")
    )
    free_gb = shutil.disk_usage(existing).free / 1e9
    yield Finding(
        free_gb > LEAST_FREE_GB, f"{free_gb:.1f} GB free there (at least {LEAST_FREE_GB} GB are wanted)"
    )
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    yield Finding(True, "Chromium found" if browser else "no Chromium: only browser tests need it")


def _database(home: Home) -> Iterator[Finding]:
    if os.environ.get("DATABASE_URL"):
        address = running(home)
        ok = address is not None and answers(address)
        yield Finding(ok, "DATABASE_URL answers" if ok else "DATABASE_URL is set, but nothing answers there")
        return
    try:
        yield Finding(binary("postgres").exists(), "embedded PostgreSQL is installed")
    except PostgresFailed as error:
        yield Finding(False, str(error))
    if os.getuid() == 0 and not shutil.which("setpriv"):
        yield Finding(
            False, "as root, 'setpriv' (package util-linux) is needed to run PostgreSQL as another user"
        )
    yield Finding(
        True, "PostgreSQL is running" if running(home) else "PostgreSQL is not running ('make up' starts it)"
    )


def _ports(home: Home) -> Iterator[Finding]:
    settings = Settings()
    holder = (read_json(home.run_file) or {}).get("supervisor")
    if holder and alive(holder["pid"], holder["started"]):
        yield Finding(True, f"the platform runs (pid {holder['pid']}) on port {settings.port}")
        return
    for name, port in (("PORT", settings.port), ("DAGSTER_PORT", settings.dagster_port)):
        with socket.socket() as probe:
            free = probe.connect_ex(("127.0.0.1", port)) != 0
        yield Finding(
            free, f"{name} {port} is free" if free else f"{name} {port} is in use by another program"
        )


def _line(home: Home) -> Iterator[Finding]:
    from warehouse import releases

    current = releases.current(home.releases) if home.releases.exists() else None
    if current is None:
        yield Finding(True, "no release yet: the first run of the line makes one")
    else:
        yield Finding(True, f"current release {current.id}, data as of {current.as_of:%Y-%m-%d %H:%M} UTC")


def _tasks(home: Home) -> Iterator[Finding]:
    address = running(home)
    if address is None:
        return
    try:
        with psycopg.connect(address.url("worker"), connect_timeout=3, row_factory=dict_row) as connection:
            found = Figures(connection.execute(WORKERS).fetchall(), connection.execute(QUEUES).fetchall())
    except psycopg.Error:  # no database of ours yet: said above
        return
    alive, waiting = found.alive(Settings().worker_silent_s), found.by_queue("waiting")
    who = f"tasks are carried out by {', '.join(alive)}" if alive else "no worker is running"
    many = ", ".join(f"{count} in {queue}" for queue, count in waiting.items())
    yield Finding(bool(alive) or not waiting, f"{who}; {f'waiting: {many}' if many else 'none waits'}")
