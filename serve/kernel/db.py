"""PostgreSQL for requests: a small pool, and one transaction a request that carries the caller's tenant.

Nothing here changes session state, which is what makes it safe to hand a connection on without resetting it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
import orjson
from fastapi import Depends, Request

from serve.kernel.caller import Caller, identify
from serve.kernel.errors import Problem, Unavailable
from serve.kernel.pool import Connection as Connection
from serve.kernel.pool import Pool
from serve.kernel.pool import Record as Record
from serve.kernel.vault import Vault

ACQUIRE_TIMEOUT_S = 5.0
LOCK_TIMEOUT_S = 5  # how long a request waits for another one that changes the same row
_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TENANTS = "select set_config('app.tenant_id', $1, true), set_config('app.tenant_ids', $2, true)"

CAUSE: ContextVar[UUID | None] = ContextVar("cause", default=None)
"""What all transactions that begin from here on are done for: an event, a task. Events name it."""


class DatabaseUnavailable(Unavailable):
    code, message = "DATABASE_UNAVAILABLE", "The database cannot be reached at the moment. Try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class Transaction:
    """Statements in one transaction; values are always bound.

    ``caller`` is who acts, None where nobody has logged in yet; ``vault`` seals what events may not show.
    """

    def __init__(
        self, connection: Connection, caller: Caller | None = None, vault: Vault | None = None
    ) -> None:
        self._connection, self._caller, self._vault = connection, caller, vault
        self.began = ""  # what the server said of the statement that began it
        self.last_words = ""  # SQL of ours that goes with the commit, in one round trip
        self.afterwards: list[Callable[[], Awaitable[object]]] = []  # done once it is committed

    @property
    def caller(self) -> Caller:
        assert self._caller is not None, "a transaction that acts for a tenant"
        return self._caller

    @property
    def vault(self) -> Vault:
        assert self._vault is not None, "a database that was given a vault"
        return self._vault

    async def fetch(self, sql: str, *values: Any, afresh: bool = False) -> list[Record]:
        """``afresh``: see ``Reads.fetch``."""
        return await _fetch(self._connection, sql, values, afresh=afresh)

    async def fetch_one(self, sql: str, *values: Any) -> Record | None:
        return await self._connection.fetchrow(sql, *values)

    async def execute(self, sql: str, *values: Any) -> str:
        return await self._connection.execute(sql, *values)

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part that may fail without failing the rest: undone when the block raises."""
        await self._connection.execute("savepoint attempt")
        try:
            yield
        except BaseException:
            await self._connection.execute("rollback to savepoint attempt")
            raise
        await self._connection.execute("release savepoint attempt")

    @asynccontextmanager
    async def at_work_for(self, tenant_id: UUID) -> AsyncIterator[Transaction]:
        """A part that reads and writes another tenant's rows; whoever asks for it has asked whether the caller may."""
        own = self.caller
        await self._connection.execute(_TENANTS, str(tenant_id), str(tenant_id))
        yield Transaction(
            self._connection, replace(own, tenant_id=tenant_id, tenant_ids=(tenant_id,)), self._vault
        )
        await self._connection.execute(_TENANTS, str(own.tenant_id), ",".join(map(str, own.tenant_ids)))

    async def rows(self, sql: str, *values: Any, batch: int = 1000) -> AsyncGenerator[list[Record], None]:
        """A long answer in batches, never all of it in memory."""
        cursor = await self._connection.cursor(sql, *values)
        while records := await cursor.fetch(batch):
            yield records


class Reads:
    """Single guarded statements of a caller; each takes a connection for as long as it runs.

    ``within`` a transaction they see what it has done so far.
    """

    def __init__(self, database: Database, caller: Caller, within: Transaction | None = None) -> None:
        self._database, self._within, self.caller = database, within, caller
        self._tenants = ",".join(map(str, caller.tenant_ids))

    @property
    def sees_more(self) -> bool:
        """Whether it sees what is not committed and may never be."""
        return self._within is not None

    async def fetch(self, sql: str, *values: Any, afresh: bool = False) -> list[Record]:
        """``sql`` comes from ``guarded``: the tenants it may see are its first parameter.

        ``afresh`` it is planned for these very values, for half a millisecond more. Otherwise the server goes over to
        one plan for all values, which reads a table from end to end for the few for which that is wrong.
        """
        if self._within is None:
            return await self._database.fetch_alone(sql, self._tenants, *values, afresh=afresh)
        with self._database.telling():
            return await self._within.fetch(sql, self._tenants, *values, afresh=afresh)


def guarded(inner: str, *, offset: int = 0, select: str = "q.*", beside: str = "") -> str:
    """One statement that sets the tenants ($1) and reads; its own parameters begin with $2.

    ``inner`` names ``g.tenants`` beside every table. That is what makes it safe: a scan that needs the value of
    ``set_config`` cannot begin before it, and OFFSET keeps the planner from folding the two together. ``select`` is
    what is made of its rows ``q``, together with one row of ``beside`` (``n``, guarded in the same way).
    """
    return (
        f"select {select} from (select set_config('app.tenant_ids', $1, true) as tenants) g"
        f"{f' cross join lateral ({beside} offset 0) n' if beside else ''}"
        f" cross join lateral ({inner} offset {offset:d}) q"
    )


ACTING = (
    "select set_config('app.tenant_id', $1, true)::uuid as tenant_id, set_config('app.tenant_ids', $2, true),"
    " set_config('app.actor', $3, true), set_config('app.request_id', $4, true),"
    f" set_config('lock_timeout', '{LOCK_TIMEOUT_S}s', true), set_config('app.sealed', $5, true),"
    " set_config('app.cause', $6, true) offset 0"
)
"""Who acts, for a statement that is a transaction of its own: ``with g as (ACTING) insert into … select g.tenant_id …
from g``. Only an INSERT that takes its tenant from ``g`` is safe like this: a scan might run before ``g`` does."""


def acting(caller: Caller, request_id: str, sealed: str = "") -> tuple[str, ...]:
    """The first six parameters of a statement with ``ACTING``."""
    tenants, cause = ",".join(map(str, caller.tenant_ids)), CAUSE.get() or caller.cause
    said, because = _harmless(request_id), str(cause) if cause else ""
    return (str(caller.tenant_id), tenants, caller.actor, said, sealed, because)


class Database:
    """The operational store as the role ``throughline_api``. It connects when first asked, not before."""

    def __init__(
        self,
        address: Callable[[], str],
        *,
        size: int = 10,
        vault: Vault | None = None,
        meaning: Callable[[Exception], Problem | None] = lambda error: None,
    ) -> None:
        """``address`` is asked (in a thread) before every new connection, so a server that moved is found again.

        ``meaning`` turns what the server refuses into what the client is told.
        """
        self._address, self.vault, self._meaning = address, vault, meaning
        self._pool = Pool(self._connect, size)

    @property
    def in_use_count(self) -> int:
        """Connections that somebody holds."""
        return self._pool.in_use_count

    @property
    def waiting_count(self) -> int:
        """How many wait for a connection."""
        return self._pool.waiting_count

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection without a transaction: for one statement that carries its own tenants."""
        connection = self._pool.take() or await self._acquired()
        try:
            yield connection
        except asyncio.CancelledError:
            connection.terminate()  # the statement may still be running
            raise
        except Problem:
            raise
        except Exception as error:
            if connection.is_closed():
                raise DatabaseUnavailable from error
            if problem := self._meaning(error):
                raise problem from error
            raise
        finally:
            self._pool.release(connection)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What the server refuses of a part, while the whole goes on, as the client is told it."""
        try:
            yield
        except Problem:
            raise
        except Exception as error:
            if problem := self._meaning(error):
                raise problem from error
            raise

    async def _acquired(self) -> Connection:
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_S):
                return await self._pool.acquire()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable from error

    async def fetch_alone(self, sql: str, *values: Any, afresh: bool = False) -> list[Record]:
        """One statement that carries its own tenants and is a transaction of its own."""
        async with self.connection() as connection:
            return await _fetch(connection, sql, values, afresh=afresh)

    @asynccontextmanager
    async def transaction(
        self, caller: Caller | None = None, *, request_id: str = "", also: str = ""
    ) -> AsyncIterator[Transaction]:
        """Commit at the end of the block, roll back on any error. Without a caller no tenant's rows are visible.

        ``also`` is SQL of ours that begins the transaction with the rest, in the same round trip.
        """
        async with self.connection() as connection:
            try:
                began = await connection.execute(_begin(caller, request_id) + also)
                transaction = Transaction(connection, caller, self.vault)
                transaction.began = began
                yield transaction
                if await connection.execute(f"{transaction.last_words}commit") != "COMMIT":
                    raise RuntimeError("the transaction had failed before its end and was rolled back")
            except Exception:
                await _roll_back(connection)
                raise
        for each in transaction.afterwards:
            await each()

    async def apart(self) -> Connection:
        """A connection beside the pool, such as for LISTEN; whoever asked for it closes it."""
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_S):
                return await self._connect()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        await self._pool.close()

    async def _connect(self) -> Connection:
        address = await asyncio.to_thread(self._address)
        connection = await asyncpg.connect(
            address,
            timeout=ACQUIRE_TIMEOUT_S,
            server_settings={"TimeZone": "UTC", "jit": "off"},  # of what takes milliseconds
            statement_cache_size=500,
            max_cached_statement_lifetime=0,
        )
        # As text: asyncpg's own UUIDs are a subclass that the JSON writer takes a slow road for.
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=_json, decoder=orjson.loads, format="text"
        )
        # What PostgreSQL has written as JSON goes to the client as it is.
        await connection.set_type_codec(
            "json", schema="pg_catalog", encoder=_json, decoder=bytes, format="binary"
        )
        return cast(Connection, connection)


async def _fetch(connection: Connection, sql: str, values: tuple[Any, ...], *, afresh: bool) -> list[Record]:
    if not afresh:
        return await connection.fetch(sql, *values)
    # Without a name it is kept by nobody, and its first plan is for the values that it is run with.
    statement = await connection.prepare(sql, name="")
    found: list[Record] = await statement.fetch(*values)
    return found


async def _roll_back(connection: Connection) -> None:
    if not connection.is_closed():
        await connection.execute("rollback")


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _harmless(request_id: str) -> str:
    return request_id if _HARMLESS.fullmatch(request_id) else ""


def _begin(caller: Caller | None, request_id: str) -> str:
    """One round trip. The simple protocol binds no values, so nothing but UUIDs we parsed ourselves is written in,
    and a request id, which has only letters, digits and ``._-``."""
    said = _harmless(request_id)
    begin = f"begin; set local lock_timeout = '{LOCK_TIMEOUT_S}s';"
    if caller is None:
        return begin + (f" select set_config('app.request_id', '{said}', true);" if said else "")
    tenants = ",".join(str(tenant_id) for tenant_id in caller.tenant_ids)
    cause = CAUSE.get() or caller.cause
    because = f", set_config('app.cause', '{cause}', true)" if cause else ""
    return (
        f"{begin} select set_config('app.tenant_id', '{caller.tenant_id}', true),"
        f" set_config('app.tenant_ids', '{tenants}', true), set_config('app.actor', '{caller.actor}', true),"
        f" set_config('app.request_id', '{said}', true){because};"
    )


async def _request_transaction(request: Request) -> AsyncIterator[Transaction]:
    """The request's own; the one that a repeatable request has begun, where there is one."""
    begun: Transaction | None = getattr(request.state, "transaction", None)
    database: Database = request.app.state.database
    if begun is not None:
        with database.telling():
            yield begun
        return
    caller = await identify(request)
    async with database.transaction(caller, request_id=request.state.request_id) as transaction:
        yield transaction


async def _request_reads(request: Request) -> Reads:
    begun: Transaction | None = getattr(request.state, "transaction", None)
    return Reads(request.app.state.database, await identify(request), begun)


TenantDb = Annotated[Transaction, Depends(_request_transaction, scope="function")]
"""The request's own transaction, ended before the answer is sent."""

ReadDb = Annotated[Reads, Depends(_request_reads)]
"""For a request that asks one guarded statement at a time."""

TRANSACTION = _request_transaction
SHARING = frozenset({_request_transaction, _request_reads})
"""The dependencies behind them: a route's own, if it asks for nothing else, may share the transaction of another."""
