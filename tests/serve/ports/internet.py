"""An outside world of our own: names that lead where a test says, a public server, a canary where nobody should go."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpcore

PUBLIC = tuple(f"93.184.215.{last}" for last in range(14, 20))
"""Addresses that lead to the public server."""
NAMES = {"public.example": [[PUBLIC[0]]], "other.example": [[PUBLIC[1]]]}


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


async def ok(request: Request, writer: asyncio.StreamWriter) -> None:
    await say(writer, 200, b"{}")


async def say(
    writer: asyncio.StreamWriter, status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
) -> None:
    lines = [f"HTTP/1.1 {status} so", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()


def to(location: str, status: int = 302) -> Answering:
    """Sends the caller on."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        await say(writer, status, b"", [("Location", location)])

    return answer


@dataclass
class Internet(httpcore.AsyncNetworkBackend):
    """What is beyond the door: notes who is dialled, and lets nobody out of this machine."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    answers: list[Answering] = field(default_factory=list)
    """Of the public server, in turn; then ``ok``."""
    requests: list[Request] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    canary_calls: int = 0
    canary_port: int = 0
    public_port: int = 0
    looked_up: list[str] = field(default_factory=list)

    def look_up(self, host: str, port: int) -> list[str]:
        """Names as the test says, the last answer for ever; addresses in all notations as the system reads them."""
        self.looked_up.append(host)
        known = {**NAMES, **self.names}
        if answers := known.get(host):
            return answers[min(self.looked_up.count(host), len(answers)) - 1]
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [str(entry[4][0]) for entry in found]

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **more: Any
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append((host, port))
        if host in PUBLIC:
            return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.public_port, timeout)
        if port == self.canary_port and host.startswith(("127.", "0.", "::")):
            return await httpcore.AnyIOBackend().connect_tcp(host, port, timeout)
        raise httpcore.ConnectError("not from here")

    @property
    def wrongly_dialled(self) -> list[tuple[str, int]]:
        return [each for each in self.dialled if each[0] not in PUBLIC]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ", 2)
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Request(method, path, headers, body)
            self.requests.append(request)
            await (self.answers.pop(0) if self.answers else ok)(request, writer)
        writer.close()

    async def _sing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.canary_calls += 1
        with suppress(ConnectionError):
            await say(writer, 200, b"secret")
        writer.close()


@asynccontextmanager
async def internet() -> AsyncIterator[Internet]:
    """Running: the public server, and a canary on every address of this machine."""
    world = Internet()
    public = await asyncio.start_server(world._serve, "127.0.0.1", 0)
    canary = await asyncio.start_server(world._sing, "0.0.0.0", 0)
    world.public_port = public.sockets[0].getsockname()[1]
    world.canary_port = canary.sockets[0].getsockname()[1]
    servers = [public, canary]
    with suppress(OSError):  # a machine without IPv6
        servers.append(await asyncio.start_server(world._sing, "::1", world.canary_port))
    try:
        yield world
    finally:
        for server in servers:
            server.close()
