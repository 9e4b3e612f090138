"""Runs of the line that break where they are told to: a server with everything imported forks one process a run.

It reads one JSON request a line and answers one a line: ``{"run": {…}, "fault": {…}, "log": path}`` starts a run and
answers its pid, ``{"wait": pid}`` its status (negative: the signal that ended it). It ends with its input.

A fault names a function (``module:Class.name``, as its caller finds it), which call of it counts (``nth``, from 1),
whether it strikes ``before`` or ``after`` that call, and what happens then: ``kill`` the process group outright,
``pause`` until a file is gone, or ``fsize``: no file may grow beyond so many bytes from then on.
"""

from __future__ import annotations

import faulthandler
import functools
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any


def arm(fault: Mapping[str, Any]) -> None:
    """Wrap the function that the fault names."""
    module, _, name = fault["at"].partition(":")
    owner: Any = import_module(module)
    *classes, last = name.split(".")
    for each in classes:
        owner = getattr(owner, each)
    original = getattr(owner, last)
    strike: Callable[[], None] = functools.partial(STRIKES[fault["what"]], fault)
    calls, guard = iter(range(1, 10**9)), threading.Lock()

    @functools.wraps(original)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        with guard:
            counts = next(calls) == fault["nth"]
        if counts and fault["when"] == "before":
            strike()
        answer = original(*arguments, **named)
        if counts and fault["when"] == "after":
            strike()
        return answer

    setattr(owner, last, wrapped)


def _kill(fault: Mapping[str, Any]) -> None:
    os.killpg(0, signal.SIGKILL)
    signal.pause()


def _pause(fault: Mapping[str, Any]) -> None:
    mark = Path(fault["mark"])
    mark.touch()
    while mark.exists():
        time.sleep(0.01)


def _fill(fault: Mapping[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (fault["bytes"], resource.RLIM_INFINITY))


STRIKES: Mapping[str, Callable[[Mapping[str, Any]], None]] = {"kill": _kill, "pause": _pause, "fsize": _fill}


def run(options: Mapping[str, Any], fault: Mapping[str, Any] | None, log: str) -> int:
    """The child: as ``python -m pipelines run``, with the fault in place."""
    os.setsid()
    with open(log, "ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    faulthandler.register(signal.SIGUSR1, file=2)  # a run that hangs can be asked where
    from pipelines import instance, line
    from warehouse.postgres import database
    from warehouse.settings import Home

    if fault:
        arm(fault)
    home = Home()
    with database(home) as address:
        instance.enter(home, address)
        if "only" in options:
            return 0 if _run_part(**options) else 1
        defaults: dict[str, Any] = {"sources": None, "full_refresh": False, "full": False, "train": "none"}
        return 0 if line.run_line(**(defaults | dict(options))) else 1


def _run_part(*, only: list[str], train: str = "none") -> bool:
    """Some assets of the line alone, by the names of their groups, as somebody may ask for in Dagster's UI."""
    import dagster as dg

    from pipelines import instance
    from pipelines.definitions import defs
    from pipelines.learn.assets import NAMES

    job = defs.resolve_job_def("line")
    graph = defs.resolve_asset_graph()
    chosen = [node.key for node in graph.asset_nodes if node.group_name in only]
    config = {"ops": {name: {"config": {"train": train}} for name in NAMES if "learn" in only}}
    with dg.DagsterInstance.get() as dagster:
        instance.end_abandoned(dagster)
        result = job.execute_in_process(
            instance=dagster,
            asset_selection=chosen,
            run_config=config,
            raise_on_error=False,
            tags=instance.process_tag(),
        )
    return bool(result.success)


LATE = (
    "alembic.autogenerate",
    "dagster_postgres",
    "dagster._core.storage.event_log",
    "sklearn.ensemble",
    "skops.io",
    "statsmodels.tsa.api",
)
"""What a run imports only when it gets there; seconds of each run, if the server has not done it before."""


def serve() -> None:
    """Import once, fork for every request."""
    from pipelines import progress
    from pipelines.definitions import defs
    from pipelines.transform import project
    from warehouse.settings import Home

    for name in LATE:
        import_module(name)
    progress.turn_on()
    defs.resolve_job_def("line")
    project.parsed(Home().root)
    print(json.dumps({"ready": True}), file=sys.__stdout__, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                status = 70
                try:
                    status = run(request["run"], request["fault"], request["log"])
                except BaseException as error:
                    print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                finally:
                    sys.stdout.flush()
                    os._exit(status)
            answer = {"pid": pid}
        print(json.dumps(answer), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    serve()
