"""Start the platform's processes, keep them running, stop them all together.

Every child leads its own process group. A child that dies takes its group with it and is started again; one that
keeps dying stops the platform, because a half-running platform is worse than a stopped one. Children die with the
supervisor even when it is killed outright, and what an earlier supervisor left behind is removed at the next start.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

from warehouse.postgres import Server, alive, announce, die_with_parent, process_entry
from warehouse.settings import Home, read_json

RESTARTS, WITHIN_S = 5, 60.0
STOP_S = 15.0


class AlreadyRunning(RuntimeError):
    """Another supervisor holds this home."""


class Child:
    """One process that must run: how to start it and where it writes."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name, self.command, self.log, self.environment = name, list(command), log, dict(environment)
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at: list[float] = []

    def start(self) -> None:
        self.started_at.append(time.monotonic())
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
                env={**os.environ, **self.environment},
            )

    def keeps_dying(self) -> bool:
        recent = [moment for moment in self.started_at if moment > time.monotonic() - WITHIN_S]
        return len(recent) > RESTARTS


class Supervisor:
    """Holds the children; use as a context manager around the main loop."""

    def __init__(self, home: Home, say: Callable[[str], None]) -> None:
        self.home, self.say = home, say
        self.server: Server | None = None
        self.children: list[Child] = []
        self.stopping = False

    def __enter__(self) -> Supervisor:
        entries = read_json(self.home.run_file) or {}
        holder = entries.get("supervisor")
        if holder and alive(holder["pid"], holder["started"]):
            raise AlreadyRunning(
                f"already running (pid {holder['pid']}); stop it first or choose another THROUGHLINE_HOME"
            )
        for entry in entries.values():
            remove_group(entry)
        self.home.run_file.unlink(missing_ok=True)
        announce(self.home, "supervisor", process_entry(os.getpid()))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        become_reaper()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:
            return
        self.stopping = True
        raise KeyboardInterrupt

    def run_server(self, server: Server) -> None:
        """Start PostgreSQL as our child and tell others where it is."""
        address = server.start()
        assert server.process is not None
        self.server = server
        announce(self.home, "postgres", process_entry(server.process.pid, url=address.base))

    def run(self, child: Child, **entry: object) -> Child:
        """Start a child and keep it running."""
        child.start()
        self.children.append(child)
        assert child.process is not None
        announce(self.home, child.name, process_entry(child.process.pid, **entry))
        return child

    def watch(self) -> None:
        """Restart what dies, until asked to stop. Raises RuntimeError when something keeps dying."""
        while not self.stopping:
            self.tend()
            time.sleep(0.25)

    def tend(self) -> None:
        """One look at every process."""
        server = self.server
        if server and server.process and server.process.poll() is not None:
            self.say("PostgreSQL ended unexpectedly; starting it again")
            kill_group(server.process.pid)
            self.run_server(server)
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            kill_group(child.process.pid)
            if child.keeps_dying():
                raise RuntimeError(f"{child.name} keeps ending; its last words are in {child.log}")
            self.say(f"{child.name} ended (status {child.process.returncode}); starting it again")
            child.start()
            announce(self.home, child.name, process_entry(child.process.pid))
        reap_strangers({child.process.pid for child in self.children if child.process})

    def stop(self) -> None:
        """Stop the children in reverse order, then PostgreSQL; whoever does not go is killed with its group."""
        self.stopping = True
        for child in reversed(self.children):
            if child.process and child.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for child in reversed(self.children):
            if child.process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                kill_group(child.process.pid)
        if self.server:
            self.server.stop()
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.home.run_file.unlink(missing_ok=True)


def kill_group(pid: int) -> None:
    """Kill what is left of the process group that ``pid`` led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def remove_group(entry: Mapping[str, float]) -> None:
    """Stop a process that an earlier supervisor left behind, if it is still that process."""
    pid = int(entry["pid"])
    if not alive(pid, entry["started"]):
        return
    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess, psutil.TimeoutExpired):
        os.killpg(pid, signal.SIGINT)  # for PostgreSQL a fast shutdown
        psutil.Process(pid).wait(20)
    kill_group(pid)


def become_reaper() -> None:
    """Grandchildren whose parent dies become ours (Linux), so that none escapes."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def reap_strangers(known: set[int]) -> None:
    """Collect grandchildren that were handed to us: kill the living whose leader is gone, bury the dead."""
    for process in psutil.Process().children():
        if process.pid in known:
            continue
        with contextlib.suppress(psutil.NoSuchProcess, ChildProcessError):
            if process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)
