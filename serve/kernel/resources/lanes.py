"""Batches of rows on their way into the database, a few beside each other: one is computed while others are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

B = TypeVar("B")

AT_ONCE = 2
"""A machine of two cores has no room for more (measured)."""


class Met(Exception):
    """A batch met what another transaction does at the same time: it is undone, and may go alone."""


async def through(
    batches: AsyncIterator[B],
    names_of: Callable[[B], frozenset[str]],
    put: Callable[[B, bool], Awaitable[None]],
    at_once: int = AT_ONCE,
) -> None:
    """``put(batch, is_alone)`` for each; one that has a name in common with one on its way waits until that is there.

    They begin in their order. One that raises Met goes again when nothing else is on its way, and is told that it is
    alone. Any other error is raised when those beside it have ended.
    """
    on_way: dict[asyncio.Task[None], tuple[B, frozenset[str]]] = {}

    async def one_ends() -> None:
        done, _ = await asyncio.wait(on_way, return_when=asyncio.FIRST_COMPLETED)
        met = []
        for task in done:
            batch, _ = on_way.pop(task)
            try:
                task.result()
            except Met:
                met.append(batch)
        for batch in met:
            while on_way:
                await one_ends()
            await put(batch, True)

    try:
        async for batch in batches:
            names = names_of(batch)
            while len(on_way) >= at_once or any(
                not names.isdisjoint(others) for _, others in on_way.values()
            ):
                await one_ends()
            on_way[asyncio.create_task(_put(put, batch))] = (batch, names)
        while on_way:
            await one_ends()
    except asyncio.CancelledError:
        for task in on_way:
            task.cancel()
        raise
    finally:
        if on_way:
            await asyncio.wait(on_way)
            for task in on_way:
                task.cancelled() or task.exception()


async def _put(put: Callable[[B, bool], Awaitable[None]], batch: B) -> None:
    await put(batch, False)
