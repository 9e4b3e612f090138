"""One folder, one PostgreSQL server: what a new one waits for, and who may start one."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.faults.line import LOSES_NOTHING
from tests.faults.platform import until
from warehouse.postgres import Server, announce, database, process_entry
from warehouse.settings import Home


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


def test_a_server_waits_for_one_that_is_about_to_end(tmp_path: Path):
    """Such as that of a command which has just ended; whose answers are those of the new one is not left to chance."""
    ending, server = Server(tmp_path / "data"), Server(tmp_path / "data")
    ending.start()
    with ThreadPoolExecutor(1) as other:

        def end() -> None:
            until(lambda: "already exists" in server.log.read_text(), timeout_s=30)
            ending.stop()

        ended = other.submit(end)
        server.start()
        ended.result()
    try:
        assert server.process is not None
        assert (server.data / "postmaster.pid").read_text().split()[0] == str(server.process.pid)
    finally:
        server.stop()


def test_in_an_outage_the_supervisors_server_is_waited_for_and_no_other_started(tmp_path: Path):
    """A second one would hold the folder when the supervisor wants to start its own again."""
    home = Home(tmp_path / "home").create()
    server = Server(home.postgres, log=home.logs / "postgres.log")

    def run() -> str:
        address = server.start()
        assert server.process is not None
        announce(home, "postgres", process_entry(server.process.pid, url=address.base))
        return str(server.process.pid)

    def holder() -> str:
        return (home.postgres / "postmaster.pid").read_text().split()[0]

    def ask() -> str:
        with database(home):
            return holder()

    announce(home, "supervisor", process_entry(os.getpid()))
    try:
        killed = run()
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        with ThreadPoolExecutor(1) as command:
            asked = command.submit(ask)
            with pytest.raises(TimeoutError):
                asked.result(1.5)  # a server of its own would answer long before
            assert holder() == killed
            back = run()
            assert asked.result() == back
    finally:
        server.stop()


def test_after_a_killed_supervisor_a_command_runs_its_own_server(tmp_path: Path):
    home = Home(tmp_path / "home").create()
    announce(home, "supervisor", {**process_entry(os.getpid()), "started": 0.0})  # its number was given again
    with database(home) as address, psycopg.connect(address.database("postgres").url("super")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
