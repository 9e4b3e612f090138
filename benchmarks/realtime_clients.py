"""Two hundred listeners in one process, half on WebSockets and half on server-sent events, and who writes to them.

They take apart only what is measured: a library would cost more than the service.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import statistics
import time
from array import array
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

import asyncpg
import uvloop

EVENT = re.compile(rb'"occurred_at":"([^"]+)".{0,120}?"data":\{"odometer_km":(\d+)', re.DOTALL)

PING = re.compile(rb"\x89\x04(....)", re.DOTALL)
"""Nothing else that is told here has this byte: the rest is ASCII."""


class Listener(asyncio.Protocol):
    """One client. ``numbers`` is what it was told, in the order in which it was told."""

    def __init__(self, request: bytes) -> None:
        self._request, self._left = request, b""
        self.numbers, self.late_ms = array("i"), array("f")
        self.is_open = self.is_ready = False

    def connection_made(self, transport: Any) -> None:
        self._transport, self.is_open = transport, True
        transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False

    def data_received(self, data: bytes) -> None:
        now, end = time.time(), 0
        if ping := PING.search(data):
            self._transport.write(b"\x8a\x84\0\0\0\0" + ping[1])
        self.is_ready = self.is_ready or b'"ready"' in data or b"heartbeat" in data
        text = self._left + data
        for found in EVENT.finditer(text):
            self.numbers.append(int(found[2]))
            self.late_ms.append((now - moment(found[1])) * 1000)
            end = found.end()
        self._left = text[max(end, len(text) - 4_096) :]


@lru_cache(100_000)
def moment(text: bytes) -> float:
    return datetime.fromisoformat(text.decode()).timestamp()


def request_of(number: int, token: str) -> bytes:
    """Even ones are WebSockets."""
    lines = [f"GET {'/ws' if number % 2 == 0 else '/api/v1/realtime/subscribe'} HTTP/1.1", "Host: localhost"]
    lines += [f"Authorization: Bearer {token}"]
    if number % 2 == 0:
        key = base64.b64encode(os.urandom(16)).decode()
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        lines += [f"Sec-WebSocket-Key: {key}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def listen(
    ports: list[int],
    tokens: list[str],
    address: str,
    vehicles: list[tuple[str, str]],
    clients: int,
    per_s: int,
    seconds: float,
) -> dict[str, Any]:
    """Facts of one run; ``vehicles`` are (tenant, id), written to by turns, ``tokens`` one of each tenant."""
    return uvloop.run(_listen(ports, tokens, address, vehicles, clients, per_s, seconds))


async def _listen(
    ports: list[int],
    tokens: list[str],
    address: str,
    vehicles: list[tuple[str, str]],
    clients: int,
    per_s: int,
    seconds: float,
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    listeners: list[tuple[int, Listener]] = []
    for number in range(clients):
        tenant = number // 4 % len(tokens)  # each tenant on both processes and both transports
        _, one = await loop.create_connection(
            lambda number=number, tenant=tenant: Listener(request_of(number, tokens[tenant])),  # type: ignore[misc]
            "127.0.0.1",
            ports[number // 2 % len(ports)],
        )
        listeners.append((tenant, one))
    until = time.monotonic() + 30
    while not all(one.is_ready for _, one in listeners):
        assert time.monotonic() < until, "not everybody is welcome"
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # until those who came last are live
    began = time.monotonic()
    written = await _write(address, vehicles, per_s, seconds)
    wrote_s = time.monotonic() - began
    expected = await _expected(address, [tenant for tenant, _ in vehicles])
    tenants = list(dict.fromkeys(tenant for tenant, _ in vehicles))
    until = time.monotonic() + 30
    while time.monotonic() < until and any(
        len(one.numbers) < len(expected[tenants[tenant]]) for tenant, one in listeners
    ):
        await asyncio.sleep(0.05)
    late_ms = sorted(each for _, one in listeners for each in one.late_ms)
    facts: dict[str, Any] = {
        "written": written,
        "wrote_s": wrote_s,
        "delivered": len(late_ms),
        "p50_ms": statistics.median(late_ms),
        "p99_ms": late_ms[int(len(late_ms) * 0.99)],
        "most_ms": late_ms[-1],
        "missing": 0,
        "doubles": 0,
        "out_of_order": 0,
        "gone": sum(not one.is_open for _, one in listeners),
        "seconds": late_ms[int(len(late_ms) * 0.99)] / 1000,
    }
    for tenant, one in listeners:
        wanted = expected[tenants[tenant]]
        place = {number: index for index, number in enumerate(wanted)}
        facts["missing"] += len(place.keys() - set(one.numbers))
        facts["doubles"] += len(one.numbers) - len(set(one.numbers))
        places = [place.get(number, -1) for number in one.numbers]
        facts["out_of_order"] += sum(b <= a for a, b in pairwise(places))
    return facts


async def _write(address: str, vehicles: list[tuple[str, str]], per_s: int, seconds: float) -> int:
    """So many changes a second for so long, each a transaction of its own, by four writers."""
    began, number = time.monotonic(), 0
    pool = await asyncpg.create_pool(address, min_size=4, max_size=4)

    async def change(number: int) -> None:
        tenant, vehicle = vehicles[number % len(vehicles)]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "select set_config('app.tenant_id', $1, true), set_config('app.tenant_ids', $1, true),"
                " set_config('app.actor', 'platform', true)",
                tenant,
            )
            await connection.execute("update vehicles set odometer_km = $2 where id = $1", vehicle, number)

    async with asyncio.TaskGroup() as group:
        while (now := time.monotonic() - began) < seconds:
            while number < now * per_s:
                number += 1
                group.create_task(change(number))
            await asyncio.sleep(0.002)
    await pool.close()
    return number


async def _expected(address: str, tenants: list[str]) -> dict[str, list[int]]:
    """What the feed holds of each tenant, in its order."""
    found: dict[str, list[int]] = {}
    connection = await asyncpg.connect(address)
    for tenant in dict.fromkeys(tenants):
        async with connection.transaction():
            await connection.execute("select set_config('app.tenant_ids', $1, true)", tenant)
            rows = await connection.fetch(
                "select (after ->> 'odometer_km')::float::int as number from events"
                " where name = 'vehicle.updated' order by change_xid, position"
            )
            found[tenant] = [row["number"] for row in rows]
    await connection.close()
    return found
