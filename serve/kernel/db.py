"""PostgreSQL for requests: a small pool, and one transaction a request that carries the caller's tenant.

Nothing here changes session state, which is what makes it safe to hand a connection on without resetting it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Protocol, cast

import asyncpg
from fastapi import Depends, Request

from serve.kernel.caller import Caller, identify
from serve.kernel.errors import Problem, Unavailable

ACQUIRE_TIMEOUT_S = 5.0


Record = Mapping[str, Any]


class Connection(Protocol):
    """What we use of an asyncpg connection."""

    async def fetch(self, query: str, *args: Any) -> list[Record]: ...
    async def fetchrow(self, query: str, *args: Any) -> Record | None: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def close(self, *, timeout: float | None = None) -> None: ...
    def is_closed(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
    def terminate(self) -> None: ...


class DatabaseUnavailable(Unavailable):
    code, message = "DATABASE_UNAVAILABLE", "The database cannot be reached at the moment. Try again shortly."


class Pool:
    """At most ``size`` connections; a released one goes straight to whoever has waited longest.

    A connection that is closed, in a transaction or left by a cancelled task is never used again: it is ended, and
    its place is free for a new one.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect, self._size, self._opened = connect, size, 0
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()

    async def acquire(self) -> Connection:
        while True:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self._opened -= 1
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
            else:
                self._waiting.remove(waiter)
            raise

    def _hand(self, connection: Connection | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False


class Transaction:
    """Statements in one transaction; values are always bound."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *values: Any) -> list[Record]:
        return await self._connection.fetch(sql, *values)

    async def fetch_one(self, sql: str, *values: Any) -> Record | None:
        return await self._connection.fetchrow(sql, *values)

    async def execute(self, sql: str, *values: Any) -> str:
        return await self._connection.execute(sql, *values)


class Database:
    """The operational store as the role ``throughline_api``. It connects when first asked, not before."""

    def __init__(self, address: Callable[[], str], *, size: int = 10) -> None:
        """``address`` is asked (in a thread) before every new connection, so a server that moved is found again."""
        self._address = address
        self._pool = Pool(self._connect, size)

    @asynccontextmanager
    async def transaction(self, caller: Caller | None = None) -> AsyncIterator[Transaction]:
        """Commit at the end of the block, roll back on any error. Without a caller no tenant's rows are visible."""
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_S):
                connection = await self._pool.acquire()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable from error
        try:
            await connection.execute(_begin(caller))
            yield Transaction(connection)
            if await connection.execute("commit") != "COMMIT":
                raise RuntimeError("the transaction had failed before its end and was rolled back")
        except Problem:
            await _roll_back(connection)
            raise
        except Exception as error:
            if connection.is_closed():
                raise DatabaseUnavailable from error
            await _roll_back(connection)
            raise
        finally:
            self._pool.release(connection)

    async def close(self) -> None:
        await self._pool.close()

    async def _connect(self) -> Connection:
        address = await asyncio.to_thread(self._address)
        settings = {"TimeZone": "UTC"}
        connection = await asyncpg.connect(address, timeout=ACQUIRE_TIMEOUT_S, server_settings=settings)
        return cast(Connection, connection)


async def _roll_back(connection: Connection) -> None:
    if not connection.is_closed():
        await connection.execute("rollback")


def _begin(caller: Caller | None) -> str:
    """One round trip. The simple protocol binds no values, so nothing but UUIDs we parsed ourselves is written in."""
    if caller is None:
        return "begin"
    tenants = ",".join(str(tenant_id) for tenant_id in caller.tenant_ids)
    return (
        f"begin; select set_config('app.tenant_id', '{caller.tenant_id}', true),"
        f" set_config('app.tenant_ids', '{tenants}', true)"
    )


async def _request_transaction(request: Request) -> AsyncIterator[Transaction]:
    database: Database = request.app.state.database
    async with database.transaction(identify(request)) as transaction:
        yield transaction


TenantDb = Annotated[Transaction, Depends(_request_transaction, scope="function")]
"""The request's own transaction, ended before the answer is sent."""
