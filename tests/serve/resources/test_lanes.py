"""Batches beside each other: in their order where they share a name, again and alone where they met."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from serve.kernel.resources.lanes import Met, through


class Lanes:
    """Batches are (name of the batch, names of its rows); each ends when it is told to."""

    def __init__(self, *batches: tuple[str, str]) -> None:
        self.batches = batches
        self.ends = {name: asyncio.Event() for name, _ in batches}
        self.meets: set[str] = set()
        self.said: list[str] = []
        self.has_said = asyncio.Event()

    async def _batches(self) -> AsyncIterator[tuple[str, str]]:
        for batch in self.batches:
            yield batch

    async def _put(self, batch: tuple[str, str], is_alone: bool) -> None:
        self._say(f"{batch[0]} begins" + (" alone" if is_alone else ""))
        if is_alone:
            return
        await self.ends[batch[0]].wait()
        if batch[0] in self.meets:
            raise Met
        self._say(f"{batch[0]} ends")

    def _say(self, words: str) -> None:
        self.said.append(words)
        self.has_said.set()

    def begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(through(self._batches(), lambda batch: frozenset(batch[1]), self._put))

    async def until(self, *said: str) -> None:
        async with asyncio.timeout(10):
            while self.said != list(said):
                self.has_said.clear()
                await self.has_said.wait()


async def test_two_are_on_their_way_and_the_third_waits_for_a_place():
    lanes = Lanes(("a", "1"), ("b", "2"), ("c", "3"))
    running = lanes.begin()
    await lanes.until("a begins", "b begins")
    lanes.ends["b"].set()
    await lanes.until("a begins", "b begins", "b ends", "c begins")
    lanes.ends["a"].set()
    lanes.ends["c"].set()
    await running


async def test_one_that_shares_a_name_begins_when_the_other_has_ended():
    lanes = Lanes(("a", "12"), ("b", "23"))
    running = lanes.begin()
    await lanes.until("a begins")
    lanes.ends["b"].set()
    lanes.ends["a"].set()
    await running
    assert lanes.said == ["a begins", "a ends", "b begins", "b ends"]


async def test_one_that_met_another_goes_again_when_nothing_else_is_on_its_way():
    lanes = Lanes(("a", "1"), ("b", "2"), ("c", "3"))
    lanes.meets = {"b"}
    running = lanes.begin()
    await lanes.until("a begins", "b begins")
    lanes.ends["b"].set()
    lanes.ends["c"].set()
    lanes.ends["a"].set()
    await running
    assert lanes.said == ["a begins", "b begins", "a ends", "b begins alone", "c begins", "c ends"]


async def test_both_may_have_met_at_once():
    lanes = Lanes(("a", "1"), ("b", "2"))
    lanes.meets = {"a", "b"}
    for end in lanes.ends.values():
        end.set()
    await lanes.begin()
    assert sorted(lanes.said[2:]) == ["a begins alone", "b begins alone"]


async def test_an_error_is_raised_when_those_beside_it_have_ended():
    class Broken(Exception):
        pass

    lanes = Lanes(("a", "1"), ("b", "2"), ("c", "3"))
    put = lanes._put

    async def breaks(batch: tuple[str, str], is_alone: bool) -> None:
        if batch[0] == "b":
            raise Broken
        await put(batch, is_alone)

    lanes._put = breaks
    running = lanes.begin()
    await lanes.until("a begins")
    lanes.ends["a"].set()
    with pytest.raises(Broken):
        await running
    assert lanes.said == ["a begins", "a ends"]


async def test_whoever_cancels_it_cancels_those_on_their_way():
    lanes = Lanes(("a", "1"), ("b", "2"))
    running = lanes.begin()
    await lanes.until("a begins", "b begins")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert lanes.said == ["a begins", "b begins"]
