"""Eight browsers in one thread: keep-alive connections that each ask again as soon as they have their answer.

An HTTP library would cost more than the answers that are measured here.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection:
    """One client. ``label`` names what it is waiting for."""

    def __init__(self, port: int) -> None:
        self.port, self.label, self.began = port, "", 0.0
        self.answer = b""
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        link = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def ask(self, label: str, request: bytes) -> None:
        self.label, self.answer, self.began = label, b"", time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> int | None:
        """The status once the whole answer is here, 0 when the server hung up, None while more is to come."""
        part = self.socket.recv(262_144)
        if not part:
            return 0
        self.answer += part
        end = self.answer.find(b"\r\n\r\n")
        if end < 0:
            return None
        found = _LENGTH.search(self.answer, 0, end)
        length = int(found[1]) if found else 0  # a 304 has none
        return int(self.answer[9:12]) if len(self.answer) >= end + 4 + length else None


def as_bytes(entry: dict[str, Any], token: str) -> bytes:
    """A request of the list as it goes over the wire."""
    body = json.dumps(entry["body"]).encode() if "body" in entry else b""
    lines = [f"{entry.get('method', 'GET')} {entry['target']} HTTP/1.1", "Host: localhost"]
    lines += [f"Authorization: Bearer {token}", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in entry.get("headers", {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(
    port: int, requests: str, token: str, seconds: float, clients: int, status: int, again: bool
) -> dict[str, Any]:
    """Ask for so many seconds, each request once or, with ``again``, in turn; latencies in ms by label."""
    listed = json.loads(Path(requests).read_text())
    prepared = [(entry["label"], as_bytes(entry, token)) for entry in listed]
    coming: Iterator[tuple[str, bytes]] = cycle(prepared) if again else iter(prepared)
    taken: dict[str, list[float]] = defaultdict(list)
    failures: dict[str, int] = defaultdict(int)
    ways = selectors.DefaultSelector()
    began = time.perf_counter()
    for _ in range(clients):
        connection = Connection(port)
        ways.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask(*next(coming))
    busy, deadline = clients, began + seconds
    while busy:
        ready = ways.select(timeout=30)
        if not ready:
            raise TimeoutError("no answer within 30 s")
        for key, _ in ready:
            connection = key.data
            got = connection.read()
            if got is None:
                continue
            now = time.perf_counter()
            taken[connection.label].append((now - connection.began) * 1000)
            if got != status:
                failures[f"{connection.label}: {got or 'hung up'}"] += 1
            following = next(coming, None) if now < deadline and got else None
            if following is None:
                ways.unregister(connection.socket)
                connection.socket.close()
                busy -= 1
            else:
                connection.ask(*following)
    took = time.perf_counter() - began
    every = [each for label in taken.values() for each in label]
    return {
        "seconds": took / len(every),
        "requests": len(every),
        "requests_per_s": len(every) / took,
        "failures": dict(failures),
        "p50_ms": percentile(every, 0.50),
        "p99_ms": percentile(every, 0.99),
        "by_endpoint": {
            label: {"requests": len(each), "p50_ms": percentile(each, 0.5), "p99_ms": percentile(each, 0.99)}
            for label, each in sorted(taken.items())
        },
    }


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
