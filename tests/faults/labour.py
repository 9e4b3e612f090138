"""Worker processes: real ones, started and killed as a supervisor and a disaster would."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.faults import task_kinds
from tests.faults.platform import until
from warehouse.settings import Home

SOON_S = 60.0
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.task_kinds"])  # a life begins without a second of imports
_LOGS = itertools.count(1)


@dataclass
class Labourer:
    """One worker by its name; it may have many lives."""

    home: Home
    name: str = "worker-1"
    settings: dict[str, str] = field(default_factory=dict)
    process: BaseProcess | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.home.logs / f"{self.name}-{next(_LOGS)}.log"

    @property
    def outside(self) -> Path:
        return self.home.root / "outside.txt"

    def start(self, *, wait: bool = False, **settings: str) -> Labourer:
        environment = {
            "THROUGHLINE_HOME": str(self.home.root),
            "DATABASE_URL": "",
            "WORKER_NAME": self.name,
            "OUTSIDE": str(self.outside),
            **self.settings,
            **settings,
        }
        said = self.said().count("worker is ready")
        self.process = _FORKS.Process(target=task_kinds.live, args=(environment, self.log), daemon=True)
        self.process.start()
        if wait:
            until(
                lambda: not self.lives or self.said().count("worker is ready") > said,
                timeout_s=SOON_S,
                what=f"{self.name} is ready",
            )
            assert self.lives, self.said()[-3000:]
        return self

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.ended()

    def signal(self, number: int) -> None:
        assert self.process is not None
        assert self.process.pid is not None
        if self.lives:
            os.kill(self.process.pid, number)

    def ended(self, timeout_s: float = SOON_S) -> int:
        assert self.process is not None
        self.process.join(timeout_s)
        assert self.process.exitcode is not None, f"{self.name} does not end"
        return self.process.exitcode

    def stop(self, timeout_s: float = 20.0) -> int:
        self.signal(signal.SIGTERM)
        return self.ended(timeout_s)
