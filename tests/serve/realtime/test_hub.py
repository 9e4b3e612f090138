"""The seam between the store and what is live: whoever comes in at whatever moment is told everything once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from serve.kernel.caller import Caller
from serve.kernel.realtime import hub as hubs
from serve.kernel.realtime import store, stream
from serve.kernel.realtime.hub import Hub
from serve.kernel.realtime.stream import Stream
from tests.serve.firm import Firm
from tests.serve.realtime.happening import emit
from tests.serve.realtime.promises import token


class Quiet:
    """A hub that turns only when it is told to, and listeners of it."""

    def __init__(self, firm: Firm, stack: AsyncExitStack) -> None:
        state = firm.running.app.state
        self.firm, self._stack, self._tokens = firm, stack, state.tokens
        self.hub = Hub(
            state.database, state.worker_database, state.hub.audience, most_of_user=100, most_of_tenant=100
        )

    async def listener(self, tenant: UUID | None = None) -> Stream:
        """One of that tenant's owner, who comes in now."""
        caller: Caller = self._tokens.verify(token(self.firm, tenant=tenant))

        async def verify() -> Caller:
            return caller

        begin = await self.hub.find(caller, None)
        assert begin is not None
        return await self._stack.enter_async_context(
            self.hub.listen(caller, verify, frozenset({"workflow.*"}), begin)
        )

    async def emit(self, tenant: UUID | None = None, **how: Any) -> str:
        return await asyncio.to_thread(emit, self.firm, tenant, **how)


def about(found: list[Any]) -> list[str]:
    return [message.entity_id for message in found]


@pytest.fixture
def quietly(firm) -> Callable[[Any], None]:
    """Runs a story in the loop of the service."""

    def run(story: Any) -> None:
        async def told() -> None:
            async with AsyncExitStack() as stack:
                quiet = Quiet(firm, stack)
                try:
                    await story(quiet)
                finally:
                    await quiet.hub.rest()

        firm.running.wait_for(told())

    return run


def test_who_comes_while_a_page_is_read_misses_nothing(quietly, monkeypatch):
    """The page in hand was asked for without the newcomer's tenant, and yet it moves the end of the feed."""

    async def story(quiet: Quiet) -> None:
        other = await quiet.listener(quiet.firm.b)
        await quiet.hub.turn()
        came: list[Stream] = []
        first = ""
        tail = store.tail

        async def slowly(*asked: Any) -> store.Page:
            nonlocal first
            monkeypatch.setattr(store, "tail", tail)
            came.append(await quiet.listener())
            first = await quiet.emit()
            await quiet.emit(quiet.firm.b)
            return await tail(*asked)

        monkeypatch.setattr(store, "tail", slowly)
        await quiet.hub.turn()
        second = await quiet.emit()
        await quiet.hub.turn()
        found = [message for _ in range(3) for message in await came[0].next(0.0)]
        assert about(found) == [first, second]
        assert len(await other.next(0.0)) == 1

    quietly(story)


def test_a_full_queue_is_read_from_the_store(quietly, monkeypatch):
    monkeypatch.setattr(stream, "MOST_WAITING", 10)

    async def story(quiet: Quiet) -> None:
        slow = await quiet.listener()
        await quiet.hub.turn()
        assert await slow.next(0.0) == []
        assert not slow.is_behind
        expected = [await quiet.emit(count=count) for count in (4, 5, 6)]
        for _ in range(2):
            await quiet.hub.turn()
        assert slow.is_behind
        assert len(slow._queue) <= 10
        last = await quiet.emit()
        await quiet.hub.turn()
        found = [message for _ in range(4) for message in await slow.next(0.0)]
        numbers = [message.data["number"] for message in found]
        assert numbers == [*range(1, 5), *range(1, 6), *range(1, 7), 1]
        assert list(dict.fromkeys(about(found))) == [*expected, last]
        assert not slow.is_behind

    quietly(story)


def test_a_long_way_behind_is_gone_in_batches(quietly):
    async def story(quiet: Quiet) -> None:
        listener = await quiet.listener()
        await quiet.emit(count=2 * store.BATCH + 50)
        await quiet.hub.turn()
        sizes = [len(await listener.next(0.0)) for _ in range(4)]
        assert sizes == [store.BATCH, store.BATCH, 50, 0]

    quietly(story)


def test_without_listeners_nothing_is_asked_and_at_last_the_connection_goes(quietly, monkeypatch):
    monkeypatch.setattr(hubs, "IDLE_TURNS", 2)

    async def story(quiet: Quiet) -> None:
        async with AsyncExitStack() as visit:
            staying, quiet._stack = quiet._stack, visit
            await quiet.listener()
            await quiet.hub.turn()
            quiet._stack = staying
        monkeypatch.setattr(store, "tail", None)
        for _ in range(2):
            await quiet.hub.turn()
        assert quiet.hub._connection is not None
        await quiet.hub.turn()
        assert quiet.hub._connection is None

    quietly(story)


def test_a_feed_that_was_set_back_sends_everybody_away(quietly):
    """As after the restore of a backup: the ids of transactions begin low again."""

    async def story(quiet: Quiet) -> None:
        listener = await quiet.listener()
        await quiet.hub.turn()
        quiet.hub._place = (2**62, 0)
        await quiet.hub.turn()
        assert await listener.next(0.0) == []
        assert listener.ended == "reset"
        again = await quiet.listener()
        await quiet.hub.turn()
        event = await quiet.emit()
        await quiet.hub.turn()
        assert about(await again.next(0.0) or await again.next(0.0)) == [event]

    quietly(story)


def test_a_broken_connection_is_made_again_and_nothing_is_missed(quietly, monkeypatch):
    monkeypatch.setattr(hubs, "RETRY_S", 0.01)

    async def story(quiet: Quiet) -> None:
        listener = await quiet.listener()
        await quiet.hub.turn()
        await listener.next(0.0)
        assert quiet.hub._connection is not None
        quiet.hub._connection.terminate()
        event = await quiet.emit()
        for _ in range(3):
            await quiet.hub.turn()
        assert about(await listener.next(0.0)) == [event]

    quietly(story)


def test_who_gets_another_child_hears_of_it(quietly):
    """The tenants of a caller may change while it listens; from then on they are those of the newest look."""

    async def story(quiet: Quiet) -> None:
        listener = await quiet.listener()
        await quiet.hub.turn()
        await listener.next(0.0)
        both = quiet._tokens.verify(token(quiet.firm, tenant=quiet.firm.umbrella))

        async def verify() -> Caller:
            return both

        listener.verify = verify
        await listener.next(0.0)
        await quiet.hub.turn()
        event = await quiet.emit(quiet.firm.umbrella)
        await quiet.hub.turn()
        found = [message for _ in range(3) for message in await listener.next(0.0)]
        assert about(found) == [event]

    quietly(story)


def test_who_loses_a_child_while_the_store_is_read_hears_nothing_more_of_it(quietly, monkeypatch):
    """A slow read sees what came after the look at the caller that it began with."""

    async def story(quiet: Quiet) -> None:
        listener = await quiet.listener(quiet.firm.umbrella)
        alone = replace(listener.caller, tenant_ids=(quiet.firm.umbrella,))
        missed, events = quiet.hub.missed, list[str]()

        async def slowly(*asked: Any) -> store.Page:
            monkeypatch.setattr(quiet.hub, "missed", missed)

            async def verify() -> Caller:
                return alone

            listener.verify = verify
            for tenant in (quiet.firm.a, quiet.firm.umbrella):
                events.append(await quiet.emit(tenant))
            return await missed(*asked)

        monkeypatch.setattr(quiet.hub, "missed", slowly)
        found = await listener.next(0.0)
        await quiet.hub.turn()
        found += [message for _ in range(3) for message in await listener.next(0.0)]
        of_child, own = events
        assert about(found) == [own], f"{of_child} is of the child"

    quietly(story)


def test_nobody_new_is_taken_in_at_the_end(quietly):
    async def story(quiet: Quiet) -> None:
        before = await quiet.listener()
        quiet.hub.end_all()
        after = await quiet.listener()
        assert [await each.next(5.0) for each in (before, after)] == [[], []]
        assert (before.ended, after.ended) == ("restarting", "restarting")

    quietly(story)


def test_a_store_that_is_away_is_waited_for(quietly, monkeypatch):
    monkeypatch.setattr(stream, "RETRY_S", 0.01)

    async def story(quiet: Quiet) -> None:
        listener = await quiet.listener()
        event = await quiet.emit()
        await quiet.hub.turn()
        missed, failures = quiet.hub.missed, 2

        async def away(*asked: Any) -> store.Page:
            nonlocal failures
            if failures:
                failures -= 1
                raise hubs.DatabaseUnavailable
            return await missed(*asked)

        monkeypatch.setattr(quiet.hub, "missed", away)
        assert about(await listener.next(5.0)) == [event]
        assert failures == 0

    quietly(story)
