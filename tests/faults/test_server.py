"""A PostgreSQL server that was killed is started again while some of its processes still run."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from tests.faults.line import LOSES_NOTHING
from tests.faults.platform import until
from warehouse.postgres import Server


def let_go(busy: int, server: Server) -> None:
    """Let the stopped process go on once a new server was refused because of it."""
    try:
        until(lambda: "is still in use" in server.log.read_text(), timeout_s=30)
    finally:
        os.kill(busy, signal.SIGCONT)


def test_a_killed_server_comes_back_once_its_old_processes_are_gone(tmp_path: Path):
    server = Server(tmp_path / "data", settings=LOSES_NOTHING)
    base = server.start().database("postgres")
    try:
        connection = psycopg.connect(base.url("super"))
        busy = connection.info.backend_pid
        os.kill(busy, signal.SIGSTOP)  # like one in the middle of long work
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        with ThreadPoolExecutor(
            1
        ) as other:  # the server dies with the thread that started it: that is this one
            going_on = other.submit(let_go, busy, server)
            server.start()
            going_on.result()
        with psycopg.connect(base.url("super")) as again:
            assert again.execute("select 1").fetchone() == (1,)
    finally:
        server.stop()
