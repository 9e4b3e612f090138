"""Events reach their readers: every one, in order, once, though readers fail and processes compete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from serve.kernel.background import Background, pause_after
from serve.kernel.db import Database, DatabaseUnavailable
from serve.kernel.relay import Relay, act_because_of
from serve.kernel.vault import Vault


@asynccontextmanager
async def worker(address, size: int = 2) -> AsyncIterator[Database]:
    database = Database(lambda: address.url("worker"), size=size, vault=Vault("test"))
    try:
        yield database
    finally:
        await database.close()


def contact(firm, name: str = "Ada Byron", tenant: UUID | None = None) -> str:
    made = firm.client(tenant=tenant).post("/api/v1/contacts", json={"full_name": name})
    return made.json()["data"]["id"]


class Notebook:
    """A reader that remembers what it was handed."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def __call__(self, db, events) -> None:
        self.ids += [event["entity_id"] for event in events]


class TestRelay:
    async def test_what_happens_after_registration_comes_once_in_order_from_all_tenants(self, firm):
        seen, name = Notebook(), str(uuid4())
        before = contact(firm)
        async with worker(firm.address) as database:
            relay = Relay(database, {name: seen}, batch=2)
            await relay.register()
            made = [contact(firm, tenant=tenant) for tenant in (firm.a, firm.b, firm.a, firm.b, firm.a)]
            await relay.catch_up()
            assert await relay.pass_once() == 0
            again = Relay(database, {name: seen})  # another process, later
            made.append(contact(firm))
            await again.catch_up()
        assert seen.ids == made
        assert before not in seen.ids

    async def test_a_reader_writes_as_the_events_tenant_and_says_why(self, firm):
        async def note(db, events):
            for event in events:
                await act_because_of(db, event)
                await db.execute(
                    "insert into accounts (tenant_id, kind, name, segment, country)"
                    " values ($1, 'company', 'made by a reader', 'consumer', 'DE')",
                    event["tenant_id"],
                )

        async with worker(firm.address) as database:
            relay = Relay(database, {(name := str(uuid4())): note})
            await relay.register()
            theirs = contact(firm, tenant=firm.b)
            await relay.deliver(name)
            await relay.catch_up()
        [made] = firm.sql(
            "select e.tenant_id, e.actor_kind, cause.entity_id, e.request_id = cause.request_id"
            " from events e join events cause on cause.id = e.cause_id"
            " where e.name = 'account.created' and cause.entity_id = %s",
            theirs,
        )
        assert made == (firm.b, "platform", UUID(theirs), True)

    async def test_what_a_reader_wrote_and_its_place_are_undone_together(self, firm):
        class Clumsy(Notebook):
            fails = True

            async def __call__(self, db, events):
                await super().__call__(db, events)
                await act_because_of(db, events[0])
                await db.execute(
                    "update contacts set job_title = coalesce(job_title, '') || 'x' where id = $1",
                    self.ids[-1],
                )
                if self.fails:
                    raise ValueError("not today")

        async with worker(firm.address) as database:
            clumsy = Clumsy()
            relay = Relay(database, {str(uuid4()): clumsy})
            await relay.register()
            made = contact(firm)
            with pytest.raises(ValueError, match="not today"):
                await relay.catch_up()
            assert firm.sql("select job_title from contacts where id = %s", made) == [(None,)]
            clumsy.fails = False
            await relay.catch_up()
        assert firm.sql("select job_title from contacts where id = %s", made)[0][0].startswith("x")
        assert clumsy.ids.count(made) == 2

    async def test_processes_that_compete_hand_over_each_event_once(self, firm):
        seen, name = Notebook(), str(uuid4())
        async with worker(firm.address, size=8) as database:
            relays = [Relay(database, {name: seen}, batch=3) for _ in range(4)]
            await relays[0].register()
            made = [contact(firm) for _ in range(20)]
            await asyncio.gather(*(relay.catch_up() for relay in relays))
            await relays[0].catch_up()
        assert seen.ids == made

    async def test_later_events_wait_for_a_transaction_that_is_still_open(self, firm):
        seen = Notebook()
        async with worker(firm.address) as database:
            relay = Relay(database, {str(uuid4()): seen})
            await relay.register()
            open_one = await asyncpg.connect(firm.address.url("api"))
            begun = open_one.transaction()
            await begun.start()
            await open_one.execute(f"select set_config('app.tenant_id', '{firm.a}', true)")
            early = str(uuid4())
            await open_one.execute(
                "insert into contacts (id, tenant_id, full_name) values ($1, $2, 'slow')", early, firm.a
            )
            late = contact(firm)
            assert await relay.pass_once() == 0
            await begun.commit()
            await open_one.close()
            await relay.catch_up()
        assert seen.ids == [early, late]


class TestBackground:
    async def test_a_loop_that_fails_goes_on_and_stops_nobody(self, caplog):
        done = asyncio.Event()
        tries = []

        async def fails():
            tries.append(1)
            raise [DatabaseUnavailable(), ValueError("oh")][len(tries) % 2]

        async def works():
            if len(tries) > 2:
                done.set()

        background = Background()
        background.every(0.0001, fails, name="the clumsy one")
        background.every(0.0001, works, name="the other")
        async with asyncio.timeout(10):
            await done.wait()
        await background.stop()
        assert "the clumsy one" in caplog.text

    async def test_it_ends_in_the_middle_of_work(self):
        began = asyncio.Event()

        async def endless():
            began.set()
            await asyncio.Event().wait()

        background = Background()
        background.every(1, endless, name="endless")
        await began.wait()
        async with asyncio.timeout(5):
            await background.stop()

    async def test_switched_off_it_starts_nothing(self):
        async def never():
            raise AssertionError

        background = Background(is_on=False)
        background.every(0, never, name="never")
        await asyncio.sleep(0)
        await background.stop()

    def test_pauses_grow_to_a_limit_and_never_shorten_a_slow_loop(self):
        assert [pause_after(failures, 5) for failures in (0, 1, 2, 9)] == [5, 10, 20, 30]
        assert pause_after(3, 3600) == 3600
