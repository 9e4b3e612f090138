"""A small pool of connections to PostgreSQL that is fair: who has waited longest is served first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

Record = Mapping[str, Any]


class Connection(Protocol):
    """What we use of an asyncpg connection."""

    async def fetch(self, query: str, *args: Any) -> list[Record]: ...
    async def fetchrow(self, query: str, *args: Any) -> Record | None: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def cursor(self, query: str, *args: Any) -> Any: ...
    async def prepare(self, query: str, *, name: str) -> Any: ...
    async def close(self, *, timeout: float | None = None) -> None: ...
    def is_closed(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
    def terminate(self) -> None: ...


class Pool:
    """At most ``size`` connections; a released one goes straight to whoever has waited longest.

    A connection that is closed, in a transaction or left by a cancelled task is never used again: it is ended, and
    its place is free for a new one.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect, self._size, self._opened = connect, size, 0
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()

    @property
    def in_use_count(self) -> int:
        return self._opened - len(self._idle)

    @property
    def waiting_count(self) -> int:
        return len(self._waiting)

    def take(self) -> Connection | None:
        """One that nobody holds, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._opened -= 1
        return None

    async def acquire(self) -> Connection:
        while True:
            if (connection := self.take()) is not None:
                return connection
            if self._opened < self._size:
                return await self._open()
            handed = await self._wait()
            if handed is not None and not handed.is_closed():
                return handed
            if handed is not None:
                self._opened -= 1

    def release(self, connection: Connection) -> None:
        if connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
            self._opened -= 1
            self._hand(None)
        elif not self._hand(connection):
            self._idle.append(connection)

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close(timeout=2)

    async def _open(self) -> Connection:
        self._opened += 1
        try:
            return await self._connect()
        except BaseException:
            self._opened -= 1
            self._hand(None)
            raise

    async def _wait(self) -> Connection | None:
        """A connection handed over, or None: a place came free."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # handed over in the very moment of the cancellation
                handed = waiter.result()
                self._hand(None) if handed is None else self.release(handed)
            elif waiter in self._waiting:  # unless a connection came after the cancellation, and passed it by
                self._waiting.remove(waiter)
            raise

    def _hand(self, connection: Connection | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False
