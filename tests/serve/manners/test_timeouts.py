"""Whatever takes too long is given up, and says so; what has begun to answer may take its time."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from serve.kernel import bodies
from serve.kernel.timeouts import Running
from tests.serve.manners.small import client_of, layered


@pytest.fixture
def app():
    app = layered(running=Running(0.2))
    app.state.was_cancelled = asyncio.Event()

    @app.get("/api/v1/slow")
    async def slow() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            app.state.was_cancelled.set()
            raise
        return "never"

    @app.get("/api/v1/stream")
    async def stream() -> StreamingResponse:
        async def parts():
            yield b"begun "
            await asyncio.sleep(0.6)
            yield b"done"

        return StreamingResponse(parts())

    @app.get("/api/v1/own")
    async def own() -> str:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
        return "never"

    app.get("/api/v1/quick")(lambda: "quick")
    return app


async def test_a_slow_request_is_ended_and_says_so(app):
    async with client_of(app) as client:
        response = await client.get("/api/v1/slow")
        assert (response.status_code, response.json()["error"]["code"]) == (504, "TIMED_OUT")
        assert app.state.was_cancelled.is_set()
        assert (await client.get("/api/v1/quick")).status_code == 200
    assert len(app.state.manners.running) == 0


async def test_a_stream_may_take_its_time(app):
    async with client_of(app) as client:
        assert (await client.get("/api/v1/stream")).content == b"begun done"


async def test_a_timeout_inside_is_a_failure_of_ours(app):
    async with client_of(app) as client:
        assert (await client.get("/api/v1/own")).status_code == 500


async def test_somebody_elses_cancellation_is_left_alone(app):
    async with client_of(app) as client:
        task = asyncio.create_task(client.get("/api/v1/slow"))
        while not len(app.state.manners.running):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(app.state.manners.running) == 0


@pytest.fixture
def taking(monkeypatch):
    """A quarter of a second a request, once more with each kilobyte that an upload brings."""
    monkeypatch.setattr(bodies, "PROGRESS_BYTES", 1_000)
    app = layered(running=Running(0.25))

    async def length(request: Request) -> int:
        return len(await request.body())

    app.post("/api/v1/files")(bodies.takes_files(length))
    return app


@pytest.mark.parametrize(("part_bytes", "status"), [(1_000, 200), (10, 504)])
async def test_an_upload_has_time_as_long_as_it_comes_along(taking, part_bytes, status):
    async def parts():
        for _ in range(6):
            await asyncio.sleep(0.1)
            yield b"x" * part_bytes

    async with client_of(taking) as client:
        response = await client.post("/api/v1/files", content=parts())
    assert response.status_code == status
