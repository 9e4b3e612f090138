"""One transaction a request carries the tenant; connections are handed on, never with something left in them."""

from __future__ import annotations

import asyncio
import contextlib
from uuid import UUID, uuid4

import asyncpg
import psycopg
import pytest

from serve.kernel.caller import Caller
from serve.kernel.db import Database, DatabaseUnavailable
from serve.kernel.pool import Pool
from tests.serve.small_release import A, B


def caller(tenant: UUID, *readable: UUID) -> Caller:
    return Caller(
        user_id=uuid4(),
        email="o@example.com",
        tenant_id=tenant,
        tenant_ids=readable or (tenant,),
        role="owner",
        permissions=frozenset(),
        token_id="t",
        expires_at_s=0,
    )


@pytest.fixture
def address(db) -> str:
    """A database with two tenants and an account of each."""
    with psycopg.connect(db.url("super")) as connection:
        for tenant, slug in ((A, "alpha"), (B, "beta")):
            connection.execute(
                "insert into tenants (id, slug, name, kind, country, currency)"
                " values (%s, %s, %s, 'fleet', 'DE', 'EUR')",
                (tenant, slug, slug),
            )
            connection.execute(
                "insert into accounts (tenant_id, kind, name, segment, status, country)"
                " values (%s, 'company', %s, 'smb', 'active', 'DE')",
                (tenant, slug),
            )
    return db.url("api")


@pytest.fixture
async def database(address):
    database = Database(lambda: address, size=2)
    yield database
    await database.close()


async def names(database: Database, who: Caller | None) -> list[str]:
    async with database.transaction(who) as db:
        return [row["name"] for row in await db.fetch("select name from accounts order by name")]


class TestTenancy:
    async def test_each_caller_sees_their_own_rows(self, database):
        assert await names(database, caller(A)) == ["alpha"]
        assert await names(database, caller(B)) == ["beta"]
        assert await names(database, caller(A, A, B)) == ["alpha", "beta"]

    async def test_without_a_caller_nothing_is_visible(self, database):
        assert await names(database, caller(A)) == ["alpha"]
        assert await names(database, None) == []

    async def test_an_umbrella_reads_but_does_not_write_its_children(self, database):
        async with database.transaction(caller(A, A, B)) as db:
            assert await db.execute("update accounts set city = 'X'") == "UPDATE 1"

    async def test_errors_and_cancellations_leave_nothing_behind(self, database):
        async def fail(who: Caller) -> None:
            async with database.transaction(who) as db:
                await db.execute("select 1 / 0")

        async def hang(who: Caller) -> None:
            async with database.transaction(who) as db:
                await db.execute("select pg_sleep(10)")

        async def right(tenant: UUID, name: str) -> None:
            assert await names(database, caller(tenant)) == [name]

        for _ in range(15):
            hanging = [asyncio.create_task(hang(caller(tenant))) for tenant in (A, B)]
            await asyncio.sleep(0.01)
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, fail(caller(A)), fail(caller(B)), return_exceptions=True)
            await asyncio.gather(right(A, "alpha"), right(B, "beta"), right(A, "alpha"))
        assert await names(database, None) == []

    @pytest.mark.parametrize("who", [None, caller(A)])
    async def test_nobody_waits_for_a_lock_for_ever(self, database, who):
        async with database.transaction(who) as db:
            row = await db.fetch_one("select current_setting('lock_timeout') as longest")
        assert row is not None
        assert row["longest"] == "5s"

    async def test_a_swallowed_error_is_no_commit(self, database):
        async def swallow() -> None:
            async with database.transaction(caller(A)) as db:
                with contextlib.suppress(asyncpg.DivisionByZeroError):
                    await db.execute("select 1 / 0")

        with pytest.raises(RuntimeError, match="rolled back"):
            await swallow()

    async def test_a_mistake_of_ours_is_not_called_an_outage(self, database):
        async def mistake() -> None:
            async with database.transaction(caller(A)) as db:
                await db.fetch("select $1::int", "not a number")

        with pytest.raises(asyncpg.DataError):
            await mistake()


class TestServerGone:
    async def test_nobody_answers(self):
        database = Database(lambda: "postgresql://localhost:1/none")
        with pytest.raises(DatabaseUnavailable):
            await names(database, None)

    async def test_connections_that_were_cut_are_replaced(self, database, db):
        assert await names(database, caller(A)) == ["alpha"]
        with psycopg.connect(db.url("super")) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'throughline_api'"
            )
        for _ in range(3):
            try:
                assert await names(database, caller(A)) == ["alpha"]
                break
            except DatabaseUnavailable:
                await asyncio.sleep(0.01)
        else:
            pytest.fail("the pool did not recover")


class FakeConnection:
    closed = in_transaction = False

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return self.in_transaction

    def terminate(self) -> None:
        self.closed = True

    async def close(self, *, timeout: float | None = None) -> None:
        self.closed = True


class TestPool:
    @pytest.fixture
    def made(self) -> list[FakeConnection]:
        return []

    @pytest.fixture
    def pool(self, made) -> Pool:
        async def connect() -> FakeConnection:
            made.append(FakeConnection())
            return made[-1]

        return Pool(connect, 1)

    async def test_the_longest_waiting_is_served_first(self, pool):
        connection = await pool.acquire()
        order: list[int] = []

        async def work(number: int) -> None:
            mine = await pool.acquire()
            order.append(number)
            pool.release(mine)

        tasks = [asyncio.create_task(work(number)) for number in range(3)]
        await asyncio.sleep(0)
        pool.release(connection)
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2]

    async def test_one_left_in_a_transaction_is_never_used_again(self, pool, made):
        connection = await pool.acquire()
        waiting = asyncio.create_task(pool.acquire())
        await asyncio.sleep(0)
        connection.in_transaction = True
        pool.release(connection)
        other = await waiting
        assert other is not connection
        assert connection.closed
        assert len(made) == 2

    async def test_a_waiter_that_gives_up_loses_no_connection(self, pool, made):
        connection = await pool.acquire()
        waiting = asyncio.create_task(pool.acquire())
        await asyncio.sleep(0)
        pool.release(connection)  # handed over, and in the same moment …
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.wait_for(pool.acquire(), 1) is connection

    async def test_one_that_gives_up_just_before_is_passed_by(self, pool):
        connection = await pool.acquire()
        given_up, patient = (asyncio.create_task(pool.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        given_up.cancel()
        pool.release(connection)  # before the one that was cancelled hears of it
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert await asyncio.wait_for(patient, 1) is connection

    async def test_a_failed_connect_gives_its_place_back(self):
        answers: list[object] = [OSError("no"), FakeConnection()]

        async def connect() -> object:
            await asyncio.sleep(0)
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer

        pool = Pool(connect, 1)
        first, second = await asyncio.gather(pool.acquire(), pool.acquire(), return_exceptions=True)
        assert isinstance(first, OSError)
        assert isinstance(second, FakeConnection)
