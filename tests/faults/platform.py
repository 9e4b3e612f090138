"""A running platform for tests: ``throughline up`` on free ports in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

from warehouse.settings import PROJECT, read_json

THROUGHLINE = [sys.executable, "-m", "serve.cli"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], object], *, timeout_s: float = 120, what: str = "") -> None:
    """Wait until the condition holds; look often, fail with words."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {timeout_s:.0f} s: {what or true}")


class Platform:
    """One ``throughline up`` and everything it started."""

    def __init__(self, home: Path, *, size: str = "tiny") -> None:
        self.home, self.size = home, size
        self.port, self.dagster_port = free_port(), free_port()
        self.log = home.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.seen: set[psutil.Process] = set()

    @property
    def environment(self) -> dict[str, str]:
        chosen = {
            "THROUGHLINE_HOME": str(self.home),
            "PORT": str(self.port),
            "DAGSTER_PORT": str(self.dagster_port),
        }
        return {**os.environ, **chosen}

    def start(self, *, wait: str = "ready") -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*THROUGHLINE, "up", "--size", self.size],
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        mark = self.log.stat().st_size
        process = self.process

        def arrived() -> bool:
            said = self.log.read_text()[mark:] if mark else self.log.read_text()
            assert process.poll() is None, said[-3000:]
            return wait in said

        until(arrived, timeout_s=240, what=f"'{wait}' in {self.log}")
        self.look()

    def look(self) -> None:
        """Remember every process of ours, so that survivors can be found later."""
        assert self.process is not None
        leader = psutil.Process(self.process.pid)
        self.seen |= {leader, *leader.children(recursive=True)}

    def pid(self, name: str) -> int:
        return int((read_json(self.home / "run.json") or {})[name]["pid"])

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.look()
        os.kill(self.process.pid, number)

    def ended(self, *, timeout_s: float = 40) -> int:
        assert self.process is not None
        return self.process.wait(timeout_s)

    def survivors(self) -> list[str]:
        """Processes of ours that still run."""
        left = []
        for process in self.seen:
            try:
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    left.append(" ".join(process.cmdline()) or process.name())
            except psutil.NoSuchProcess:
                continue
        return left

    def get(self, path: str) -> dict[str, object]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return json.loads(answer.read())

    def alive(self, path: str = "/health/live") -> bool:
        try:
            return bool(self.get(path))
        except OSError:
            return False

    def clean_up(self) -> None:
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.ended()
            except subprocess.TimeoutExpired:
                self.process.kill()
        for process in self.seen:
            if process.is_running():
                process.kill()
