"""A uvicorn worker for a benchmark: started, waited for, stopped by its own id."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import PROJECT, VariantFailed
from warehouse.postgres import die_with_parent

OURS = ("--http", "serve.kernel.wire:Protocol")
"""What the service is run with beside what every server gets."""


@dataclass(frozen=True)
class Uvicorn:
    pid: int
    port: int
    first_answer_s: float  # from the start of the process to its first 200


@contextmanager
def started(
    words: Sequence[str], log: Path, env: Mapping[str, str], is_ready: Callable[[], bool]
) -> Iterator[tuple[int, float]]:
    """A process for the block: its id, and the seconds until it was ready. Raises VariantFailed when it never is."""
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            stdout=output,
            stderr=output,
            cwd=PROJECT,
            env={**os.environ, **env},
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        while not is_ready():
            if process.poll() is not None or time.perf_counter() - began > 60:
                raise VariantFailed(f"{' '.join(words[1:])} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def uvicorn(app: str, ready: str, log: Path, env: Mapping[str, str], *flags: str) -> Iterator[Uvicorn]:
    """One worker with production's flags, for the block. Raises VariantFailed when it does not come up."""
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", app, *flags, "--no-access-log", "--port", str(port)]
    with started(words, log, env, lambda: answers(port, ready)) as (pid, first_answer_s):
        yield Uvicorn(pid, port, first_answer_s)


def answers(port: int, path: str) -> bool:
    """Whether a GET gets a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
