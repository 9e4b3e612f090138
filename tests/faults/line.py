"""A line of its own for fault tests: an operational store, a served API, and runs that break."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from serve.kernel import bootstrap, migrate
from tests.faults.platform import free_port, until
from warehouse import releases
from warehouse.postgres import Server, announce, process_entry
from warehouse.settings import PROJECT, Home, read_json

KEPT = ("landing", "quarantine", "duckdb", "releases", "models")
"""What a run writes beside the operational store."""

LOSES_NOTHING = {"fsync": "off", "full_page_writes": "off"}
"""Of what was committed, when the server is killed; a power cut is not simulated here."""

CHANGES = """
    update accounts set segment = case segment when 'smb' then 'enterprise' else 'smb' end
        where id in (select id from accounts order by id limit 20);
    update jobs set price_cents = price_cents + 100 where id in (select id from jobs order by id limit 200);
    delete from fuel_logs where id in (select id from fuel_logs order by id limit 30);
    insert into expenses (tenant_id, category, amount_cents, currency, spent_date)
        select tenant_id, category, amount_cents, currency, spent_date from expenses order by id limit 50;
    update telemetry set vibration_mm_s = vibration_mm_s + 1
        where id in (select id from telemetry order by recorded_at desc, id limit 300);
    alter table zones drop constraint zones_latitude_check;
    update zones set latitude = 200 where id in (select id from zones order by id limit 2);
"""
"""A day's news: changed, new, deleted and late rows, and two that the contract refuses."""


class Line:
    """One home on which runs are started, broken and looked at."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root, Home(root / "home").create()
        self.server = Server(self.home.postgres, log=self.home.logs / "postgres.log", settings=LOSES_NOTHING)
        self.log = root / "runs.log"
        self.runner: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Start PostgreSQL, load the smallest demo, make the server of runs ready."""
        self.start_postgres()
        bootstrap.ensure_database(self.server.address)
        migrate.upgrade(self.server.address)
        for words in (["demo", "load", "--size", "tiny"], ["instance"]):
            subprocess.run([sys.executable, "-m", "pipelines", *words], **self._process(), check=True)
        self.runner = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.run_and_die"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **self._process(),
        )
        assert self._answer() == {"ready": True}

    def close(self) -> None:
        if self.runner is not None:
            assert self.runner.stdin is not None
            self.runner.stdin.close()
            self.runner.wait(20)
        self.server.stop()

    def start_postgres(self) -> None:
        address = self.server.start()
        assert self.server.process is not None
        announce(self.home, "postgres", process_entry(self.server.process.pid, url=address.base))

    def crash_postgres(self) -> None:
        """Stop the server at once, as a power cut would, and start it again."""
        process = self.server.process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(20)
        self.start_postgres()

    def sql(self, statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.address.url("super"), autocommit=True) as connection:
            cursor = connection.execute(statements)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def environment(self) -> dict[str, str]:
        return {**os.environ, "THROUGHLINE_HOME": str(self.home.root)}

    def _process(self) -> dict[str, Any]:
        log = self.log.open("ab")
        return {"env": self.environment(), "cwd": PROJECT, "stderr": log}

    # Runs

    def start(self, fault: Mapping[str, Any] | None = None, **options: Any) -> Run:
        """A run in a process of its own."""
        log = self.root / f"run-{time.monotonic_ns()}.log"
        request = {"run": options, "fault": dict(fault) if fault else None, "log": str(log)}
        return Run(self, self._ask(request)["pid"], log)

    def run(self, **options: Any) -> None:
        """An undisturbed run to its good end."""
        run = self.start(**options)
        assert run.wait() == 0, run.said()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self.runner is not None
        assert self.runner.stdin is not None
        self.runner.stdin.write(json.dumps(request) + "\n")
        self.runner.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.runner is not None
        assert self.runner.stdout is not None
        while (line := self.runner.stdout.readline()) and not line.startswith("{"):
            continue
        assert line, self.log.read_text()[-3000:]
        return json.loads(line)

    # States

    def save(self, name: str) -> None:
        for folder in KEPT:
            shutil.copytree(self.home.root / folder, self.root / name / folder)

    def restore(self, name: str) -> None:
        """Everything that runs write is as it was saved; the operational store is never set back."""
        for folder in KEPT:
            shutil.rmtree(self.home.root / folder)
            shutil.copytree(self.root / name / folder, self.home.root / folder)

    def release_id(self) -> str:
        release = releases.current(self.home.releases)
        assert release is not None
        assert (self.home.releases / releases.store.POINTER).read_text().strip() == release.id
        return releases.check_sound(release).id


@dataclass
class Run:
    """A run in progress."""

    line: Line
    pid: int
    log: Path

    def wait(self) -> int:
        """Its exit status; negative is the signal that ended it."""
        return int(self.line._ask({"wait": self.pid})["status"])

    def kill(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)

    def said(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass
class Answer:
    """What a poll of the API got: the status and the release it came from, or an error."""

    status: int
    release_id: str


@dataclass
class Api:
    """The service over the line's home, asked over and over by a demo user."""

    line: Line
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    token: str = ""
    refresh_token: str = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "serve.app:create_app", "--factory", "--no-access-log"]
        command += ["--http", "serve.kernel.wire:Protocol"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)], stdout=subprocess.DEVNULL, **self.line._process()
        )
        until(lambda: self._is_up(), what="the API answers")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)

    def _is_up(self) -> bool:
        try:
            return self.call("/health/live").status == 200
        except OSError:
            return False

    def log_in(self) -> None:
        """As somebody of the demo, who is at work today from then on: the warehouse reads that, too."""
        [(began,)] = self.line.sql("select now()")
        login = read_json(self.line.home.root / "demo_logins.json")[0]
        self._take_tokens("login", {"email": login["email"], "password": login["password"]})
        assert self.call(DASHBOARD).status == 200
        noted = (
            f"select exists (select from api_requests where created_at > '{began}' and route = '{DASHBOARD}')"
        )
        until(lambda: self.line.sql(noted) == [(True,)], what="the request is in the log")

    def renew(self) -> None:
        """Tokens live ten minutes; every watch begins with a fresh one. That is no log-in more."""
        self._take_tokens("refresh", {"refresh_token": self.refresh_token})

    def _take_tokens(self, call: str, asked: dict[str, str]) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/auth/{call}",
            json.dumps(asked).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            data = json.loads(answer.read())["data"]
        self.token, self.refresh_token = data["access_token"], data["refresh_token"]

    def call(self, path: str) -> Answer:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"authorization": f"Bearer {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                body = json.loads(answer.read())
                return Answer(answer.status, (body.get("meta") or {}).get("release_id", ""))
        except urllib.error.HTTPError as error:
            return Answer(error.code, "")

    @contextmanager
    def watched(self) -> Iterator[list[Answer]]:
        """Ask for the dashboard's figures again and again during the block; fails unless every answer was good.

        Good answers come from a release that was current at some moment of it.
        """
        self.renew()
        before = self.line.release_id()
        until(lambda: self.call(DASHBOARD).release_id == before, what=f"the API answers from {before}")
        answers: list[Answer] = []
        currents: set[str] = set()
        pointer = self.line.home.releases / releases.store.POINTER
        done = threading.Event()

        def poll() -> None:
            turn = 0
            while not done.wait(0.05):
                currents.add(pointer.read_text().strip())
                turn += 1  # another range each time, so that few answers come from the cache
                try:
                    answers.append(self.call(f"{DASHBOARD}?range={RANGES[turn % len(RANGES)]}"))
                except OSError as error:
                    answers.append(Answer(0, repr(error)))

        thread = threading.Thread(target=poll)
        thread.start()
        try:
            yield answers
        finally:
            done.set()
            thread.join()
        good = {before, *currents, self.line.release_id()}
        bad = [answer for answer in answers if answer.status != 200 or answer.release_id not in good]
        assert answers
        assert not bad, (len(answers), bad[:5], good)


DASHBOARD = "/api/v1/dashboard/kpis"
RANGES = ("7d", "30d", "90d")
