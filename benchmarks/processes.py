"""One variant is one fresh process: what it took, in seconds and in memory, with all processes it started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parents[1]
LOOK_S = 0.05


class VariantFailed(RuntimeError):
    """A measured process ended badly; the message holds its last words."""


@dataclass(frozen=True)
class Sample:
    """One run of one variant. ``seconds`` leaves out interpreter start where the variant measured itself."""

    seconds: float
    peak_mb: float
    facts: Mapping[str, Any] = field(default_factory=dict)


class MemoryWatch:
    """The highest memory of process trees while the block runs, in MB (10^6 bytes).

    One process counts with its resident memory, which the kernel remembers at its highest. Of several the proportional
    shares are added, so that what they share counts once; a process that lives shorter than a look may be missed.
    """

    def __init__(self, *pids: int) -> None:
        self.pids, self.peak_mb = pids, 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            began = time.perf_counter()
            self.peak_mb = max(self.peak_mb, self._look())
            took = time.perf_counter() - began
            if self._ended.wait(max(LOOK_S, 30 * took)):  # looking at gigabytes costs: at most 3 % of a core
                return

    def _look(self) -> float:
        tree: list[psutil.Process] = []
        for pid in self.pids:
            try:
                process = psutil.Process(pid)
                tree += [process, *process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        if len(tree) == 1:
            return highest_mb(tree[0])
        return max(sum(map(share_mb, tree)), *map(highest_mb, tree), 0.0)


def highest_mb(process: psutil.Process) -> float:
    """The highest resident memory that a process had in its life so far."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line[:6] == "VmHWM:")
    except (OSError, StopIteration):
        return 0.0  # it has just ended


def share_mb(process: psutil.Process) -> float:
    """The process's proportional share of memory, or what is resident where we may not ask."""
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.AccessDenied:
        return float(process.memory_info().rss) / 1e6
    except (psutil.NoSuchProcess, AttributeError):
        return 0.0


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    also_watch: Sequence[int] = (),
    timeout_s: float = 3_600.0,
) -> Sample:
    """Run a program to its end. Facts are the JSON object on its last line of output, if there is one.

    A fact named ``seconds`` is the program's own measure and replaces ours. Raises VariantFailed.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=PROJECT,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    try:
        with MemoryWatch(process.pid, *also_watch) as watch:
            output, _ = process.communicate(timeout=timeout_s)
    except BaseException:
        os.killpg(process.pid, 9)
        process.wait()
        raise
    seconds = time.perf_counter() - began
    if process.returncode:
        raise VariantFailed(
            f"{' '.join(map(str, command[:6]))}: status {process.returncode}\n{output[-2000:]}"
        )
    last = output.strip().rpartition("\n")[2]
    facts = json.loads(last) if last.startswith("{") else {"said": last}
    peak_mb = max(watch.peak_mb, facts.pop("peak_mb", 0.0))
    return Sample(facts.pop("seconds", seconds), peak_mb, facts)


def call(function: str, env: Mapping[str, str] | None = None, **arguments: Any) -> Sample:
    """Run ``module:function(**arguments)`` in a fresh interpreter; it returns facts, its own ``seconds`` among them."""
    words = [sys.executable, "-m", "benchmarks.processes", function, json.dumps(arguments, default=str)]
    return run(words, env=env)


def _main(function: str, arguments: str) -> None:
    import importlib

    module, _, name = function.partition(":")
    facts = getattr(importlib.import_module(module), name)(**json.loads(arguments))
    facts["peak_mb"] = highest_mb(psutil.Process())
    print("\n" + json.dumps(facts))


if __name__ == "__main__":
    _main(*sys.argv[1:])
