"""A real process is told to stop in the middle of its work: what runs is finished, what comes new is sent away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.serve.manners.small import client_of, layered

PROGRAM = """
import asyncio, sys
from contextlib import asynccontextmanager
from fastapi import FastAPI
import uvicorn
from serve.kernel import errors
from serve.kernel.layer import Layer, Manners

pause_s, folder = float(sys.argv[1]), sys.argv[2]
manners = Manners()

@asynccontextmanager
async def lifespan(app):
    with manners.draining.on_signal(pause_s=pause_s):
        yield
    open(folder + "/ended", "w").close()

app = FastAPI(lifespan=lifespan)
errors.install(app)
app.add_middleware(Layer, manners=manners)

@app.get("/health/live")
async def live(): return "live"

@app.get("/health/ready")
async def ready(): return "ready"

@app.post("/api/v1/slow")
async def slow():
    open(folder + "/begun", "w").close()
    await asyncio.sleep(1.5)
    open(folder + "/kept", "w").close()
    return "done"

protocol = "serve.kernel.wire:Protocol"
server = uvicorn.Server(
    uvicorn.Config(app, port=0, http=protocol, log_level="warning", timeout_graceful_shutdown=10)
)
async def main():
    serving = asyncio.create_task(server.serve())
    while not server.started: await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving
asyncio.run(main())
"""


@pytest.fixture
def start(tmp_path: Path):
    processes = []

    def begin(*, pause_s: float) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(pause_s), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        processes.append(process)
        assert process.stdout is not None
        return process, f"http://127.0.0.1:{int(process.stdout.readline())}"

    yield begin
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def until(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_slow_request_is_finished(start, tmp_path, number):
    process, url = start(pause_s=0)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(httpx.post, f"{url}/api/v1/slow", timeout=30)
        until(tmp_path / "begun")
        os.kill(process.pid, number)
        response = answer.result(timeout=30)
    assert (response.status_code, response.json()) == (200, "done")
    assert process.wait(timeout=20) in (0, -number)  # uvicorn ends as the signal would have ended it
    assert (tmp_path / "kept").exists()
    assert (tmp_path / "ended").exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health/live")


def test_while_it_drains_new_requests_are_sent_away_and_old_ones_finished(start, tmp_path):
    process, url = start(pause_s=1.0)
    assert httpx.get(f"{url}/health/ready").status_code == 200
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(httpx.post, f"{url}/api/v1/slow", timeout=30)
        until(tmp_path / "begun")
        os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while (refusal := httpx.get(f"{url}/health/ready")).status_code == 200:
            assert time.monotonic() < deadline
        assert (refusal.status_code, refusal.json()["error"]["code"]) == (503, "SHUTTING_DOWN")
        assert refusal.headers["connection"] == "close"
        assert httpx.get(f"{url}/health/live").status_code == 200
        assert httpx.post(f"{url}/api/v1/slow").status_code == 503
        assert answer.result(timeout=30).status_code == 200
    assert process.wait(timeout=20) in (0, -signal.SIGTERM)


async def test_once_draining_everything_but_liveness_is_refused():
    app = layered()
    app.get("/health/live")(lambda: "live")
    app.get("/api/v1/word")(lambda: "word")
    async with client_of(app) as client:
        assert (await client.get("/api/v1/word")).status_code == 200
        app.state.manners.draining.begin()
        assert (await client.get("/api/v1/word")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
