"""One listener: where it stands in the feed, and what waits for it.

One rule keeps it whole: the queue holds everything behind ``live_from``. Who stands before that place reads the store,
in batches and at the listener's own pace, until it has reached it; who stands there or behind takes from the queue. A
queue that is full is emptied and ``live_from`` moves to the end of the feed: so a slow listener reads the store again,
holds up nobody and costs no more memory than its queue may hold.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from serve.kernel.caller import Caller
from serve.kernel.errors import Forbidden, Unauthenticated, Unavailable
from serve.kernel.realtime import store
from serve.kernel.realtime.messages import Message, Place

if TYPE_CHECKING:
    from serve.kernel.realtime.hub import Hub

MOST_WAITING = 1_000
"""Messages in the queue of one listener; they are shared with the other listeners."""
RETRY_S = 1.0

Verify = Callable[[], Awaitable[Caller]]
"""Who listens, as of now. Raises Unauthenticated, or Forbidden when the tenant stands still."""


class Stream:
    """``cursor`` is the id of the last event that the listener has been told of or had no business with."""

    def __init__(
        self,
        hub: Hub,
        caller: Caller,
        verify: Verify,
        topics: frozenset[str],
        place: Place,
        cursor: str | None,
    ) -> None:
        self.caller, self.verify, self.topics, self.cursor = caller, verify, topics, cursor
        self.ended: str | None = None
        self.has_caught_up = False
        self._hub, self._place = hub, place
        self._live_from: Place | None = None  # until the hub has handed on its next page
        self._queue: deque[Message] = deque()
        self._news = asyncio.Event()

    @property
    def is_behind(self) -> bool:
        """Whether it has to read the store."""
        return self._live_from is None or self._place < self._live_from

    # What the hub does

    def offer(self, messages: Sequence[Message], until: Place) -> None:
        """The next page of the feed, as far as it concerns this listener's tenants, ends at ``until``."""
        if self._live_from is None:
            self._live_from = until  # nobody knew of this listener when the page was read
            self._news.set()
        elif len(self._queue) + len(messages) > MOST_WAITING:
            self._queue.clear()
            self._live_from = until
            self._hub.overflow_count += 1
            self._news.set()
        elif messages:
            self._queue.extend(messages)
            self._news.set()

    def hint(self, message: Message) -> None:
        """Something that is told now or not at all."""
        if not self.is_behind and len(self._queue) < MOST_WAITING:
            self._queue.append(message)
            self._news.set()

    def begin_anew(self) -> None:
        """The tenants are others from now on: what waits may lack some of theirs."""
        self._queue.clear()
        self._live_from = None

    def end(self, reason: str) -> None:
        """Whoever waits for the next messages is told that there are none; the first reason counts."""
        self.ended = self.ended or reason
        self._news.set()

    # What the listener does

    async def next(self, wait_s: float) -> list[Message]:
        """What the listener is to be told next; nothing when nothing came within ``wait_s``, or at the end.

        Each message is looked at with what the caller may do at this moment.
        """
        deadline = time.monotonic() + wait_s
        while self.ended is None:
            self._news.clear()
            if not await self._is_welcome():
                return []
            found = await self._missed() if self.is_behind else self._waiting()
            if told := [each for each in found if self._wants(each)]:
                return told
            left_s = deadline - time.monotonic()
            if found and left_s > 0:
                continue  # there may be more at once
            if left_s <= 0:
                return []
            if self._has_more():
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left_s, self._valid_s()))
        return []

    def _has_more(self) -> bool:
        return bool(self._queue) if not self.is_behind else self._live_from is not None

    def _wants(self, message: Message) -> bool:
        return not self.topics.isdisjoint(message.topics) and self._hub.audience.admits(self.caller, message)

    def _valid_s(self) -> float:
        """Until the caller's token expires, and has to be looked at again."""
        return max(self.caller.expires_at_s - time.time(), 0.05)

    async def _is_welcome(self) -> bool:
        try:
            caller = await self.verify()
        except Unauthenticated:
            self.end("unauthenticated")
            return False
        except Forbidden:
            self.end("suspended")
            return False
        except Unavailable:
            return True  # nobody can say more than at the last look; keys are looked up again soon
        before, self.caller = self.caller, caller
        if before.tenant_ids != caller.tenant_ids:
            self._hub.move(self, before)
            self.begin_anew()
        return True

    def _waiting(self) -> list[Message]:
        """A part of the queue, without what the store has told already."""
        found: list[Message] = []
        while self._queue and len(found) < store.BATCH:
            message = self._queue.popleft()
            if message.place is None:
                found.append(message)
            elif message.place > self._place:
                self._place, self.cursor = message.place, message.id
                found.append(message)
        return found

    async def _is_still(self, caller: Caller) -> bool:
        """Whether who listens may still do so, and of the same tenants as that caller."""
        return await self._is_welcome() and self.caller.tenant_ids == caller.tenant_ids

    async def _missed(self) -> list[Message]:
        """The next batch of the store behind where the listener stands.

        The store may be slow, and read what came after the caller had lost a child or the session.
        """
        caller = self.caller
        try:
            page = await self._hub.missed(caller, self._place)
        except Unavailable:
            await asyncio.sleep(RETRY_S)
            return []
        if page.horizon <= self._place[0]:
            self.end("reset")  # the database was set back to an earlier time
            return []
        if not await self._is_still(caller):
            return []  # read again from the same place, with the tenants of now
        self._place = page.until
        self.has_caught_up = self.has_caught_up or not page.is_full
        if page.messages:
            self.cursor = page.messages[-1].id
        return page.messages
