"""Listeners over real sockets: one on a WebSocket, one on a stream of server-sent events; both are told the same."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.serve.conftest import Running

LONGEST_S = 10.0


class Closed(AssertionError):
    """The other side closed where a message was expected."""


class Socket:
    """A client of ``/ws``."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def hear(self, kind: str = "event", *, passing: tuple[str, ...] = ("heartbeat",)) -> dict[str, Any]:
        """The next message, which must be of that kind; those of ``passing`` kinds are skipped."""
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            try:
                message: dict[str, Any] = json.loads(self.connection.recv(timeout=LONGEST_S))
            except ConnectionClosed as closed:
                raise Closed(f"{self.connection.close_code}: {closed}") from closed
            except TimeoutError:
                break
            if message["type"] == kind:
                return message
            assert message["type"] in passing, message
        raise AssertionError(f"no {kind} came")

    def say(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def closed(self) -> int:
        """The code with which the server closes, whatever it says before."""
        deadline = time.monotonic() + LONGEST_S
        try:
            while (left_s := deadline - time.monotonic()) > 0:
                self.connection.recv(timeout=left_s)
        except ConnectionClosed:
            assert self.connection.close_code is not None
            return self.connection.close_code
        except TimeoutError:
            pass
        raise AssertionError("it is not closed")


class Lines:
    """A client of ``/realtime/subscribe``. ``last_id`` is what an EventSource would send when it comes back."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id: str | None = None
        self._lines = response.iter_lines()

    def blocks(self) -> Iterator[dict[str, str]]:
        """The fields of each block, comments as ``""``."""
        block: dict[str, str] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(":")
                block[name] = value.strip()
                self.last_id = block.get("id", self.last_id)
            elif block:
                yield block
                block = {}

    def hear(self, kind: str = "event") -> dict[str, Any]:
        """The next event, or the block ``end`` that says why there are no more."""
        deadline = time.monotonic() + LONGEST_S
        for block in self.blocks():
            assert time.monotonic() < deadline, f"no {kind} came"
            if "data" in block:
                assert block.get("event", "event") == kind, block
                message: dict[str, Any] = json.loads(block["data"])
                return message
        raise Closed("the stream is over")

    def all(self) -> list[dict[str, Any]]:
        """Every event until the stream ends."""
        return [
            json.loads(block["data"]) for block in self.blocks() if "data" in block and "event" not in block
        ]


def token_of(client: httpx.Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


@contextmanager
def socket(
    running: Running, token: str | None = None, *, headers: dict[str, str] | None = None, **asked: str
) -> Iterator[Socket]:
    """A WebSocket; with a token it is in the header. ``asked`` are parameters of the address."""
    sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    address = f"{running.url.replace('http', 'ws', 1)}/ws?{urlencode(asked)}"
    with connect(address, additional_headers=sent, compression=None, open_timeout=LONGEST_S) as connection:
        yield Socket(connection)


@contextmanager
def lines(
    running: Running, token: str, *, headers: dict[str, str] | None = None, **asked: str
) -> Iterator[Lines]:
    """A stream that has begun: its first block has come."""
    sent = {"Authorization": f"Bearer {token}"} | dict(headers or {})
    with httpx.stream(
        "GET", f"{running.url}/api/realtime/subscribe", params=asked, headers=sent, timeout=2 * LONGEST_S
    ) as response:
        if response.status_code == 200:
            stream = Lines(response)
            next(stream.blocks())
            yield stream
        else:
            response.read()
            yield Lines(response)
