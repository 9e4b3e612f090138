"""A process that stops sends its listeners away at once, and those who come back elsewhere miss nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from serve.kernel import wire
from serve.platform.realtime import conversation, endpoints
from serve.settings import Settings
from serve.up import api_child
from tests.faults.platform import free_port
from tests.serve.realtime.happening import emit
from tests.serve.realtime.listening import lines, socket
from tests.serve.realtime.promises import BIG, Unread, token
from warehouse.settings import Home


class Process:
    """The API as production starts it."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid


@contextmanager
def process(home: Path, database_url: str, **environment: str) -> Iterator[tuple[Process, object]]:
    port = free_port()
    child = api_child(Home(home).create(), Settings(host="127.0.0.1", port=port))
    child.environment |= {"DATABASE_URL": database_url, "RATE_LIMITS": "", **environment}
    child.start()
    assert child.process is not None
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert child.process.poll() is None, child.log.read_text()[-2000:]
            try:
                if httpx.get(f"{url}/health/live", timeout=5).is_success:
                    break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield Process(url, child.process.pid), child.process
    finally:
        if child.process.poll() is None:
            child.process.kill()
        child.process.wait()


@pytest.fixture
def stopping(firm) -> Iterator[tuple[Process, object]]:
    settings = firm.running.app.state.settings
    with process(settings.throughline_home, settings.database_url, SHUTDOWN_PAUSE_S="2") as started:
        yield started


@pytest.mark.parametrize(("path", "word"), [("/api/v1/realtime/subscribe", b"heartbeat"), ("/ws", b"ready")])
def test_who_never_reads_is_let_go(firm, monkeypatch, path, word):
    """And with it everything that waited for it; what it missed is there when it comes back."""
    monkeypatch.setattr(endpoints, "PATIENCE_S", 0.5)
    monkeypatch.setattr(conversation, "GOODBYE_S", 0.1)
    monkeypatch.setattr(wire, "LINGER_S", 0.1)
    hub, server = firm.running.app.state.hub, firm.running._server.server_state
    others = len(server.connections)
    with Unread(firm, path) as client:
        client.wait_for(word)
        assert (hub.stream_count, len(server.connections)) == (1, others + 1)
        deadline = time.monotonic() + 20
        while hub.stream_count or len(server.connections) > others:
            assert time.monotonic() < deadline, (hub.stream_count, len(server.connections), others)
            emit(firm, count=200, big=BIG)
            time.sleep(0.05)


def test_listeners_are_sent_away_and_miss_nothing(firm, stopping):
    there, child = stopping
    with ExitStack() as stack:
        mine = stack.enter_context(socket(there, token(firm)))
        written = stack.enter_context(lines(there, token(firm)))
        mine.hear("ready")
        before = emit(firm)
        assert mine.hear()["entity"]["id"] == written.hear()["entity"]["id"] == before
        child.send_signal(signal.SIGTERM)
        assert written.hear("end") == {"reason": "restarting"}
        assert mine.closed() == 1012
        with pytest.raises(InvalidStatus) as refused:
            stack.enter_context(socket(there, token(firm)))
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["x-request-id"]
        missed = emit(firm)
        with lines(firm.running, token(firm), last_event_id=written.last_id, follow="false") as again:
            assert [each["entity"]["id"] for each in again.all()] == [missed]
    assert child.wait(10) in (0, -signal.SIGTERM), "it had to be killed"
