"""The tail of the feed in one API process, and those who listen to it.

While anybody listens, the hub asks every ``POLL_S`` for what has settled, for all its listeners in one statement, and
hands it on in memory. It has a connection of its own, on which hints arrive as well. Listeners are kept by the tenants
whose events reach them; that is all that decides about tenants here, while in the store row security does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Connection, Database, DatabaseUnavailable
from serve.kernel.errors import TooManyRequests, Unavailable
from serve.kernel.events import HINTS
from serve.kernel.realtime import store
from serve.kernel.realtime.audience import Audience
from serve.kernel.realtime.messages import LAST_POSITION, Message, Place, hinted
from serve.kernel.realtime.stream import RETRY_S, Stream, Verify

log = logging.getLogger("throughline.realtime")

POLL_S = 0.05
IDLE_TURNS = 600
"""Without a listener, until the connection is closed."""
MOST_READING = 2
"""Listeners that read the store at once, so that requests find connections when all listeners come back together."""
_END: Place = (LAST_POSITION, LAST_POSITION)


class TooManyStreams(TooManyRequests):
    code, message = (
        "TOO_MANY_STREAMS",
        "You, or your tenant, listen on too many connections. Close one first.",
    )


class Hub:
    """``database`` acts as the caller; ``worker_database`` sees the events of all tenants."""

    def __init__(
        self,
        database: Database,
        worker_database: Database,
        audience: Audience,
        *,
        most_of_user: int,
        most_of_tenant: int,
    ) -> None:
        self.audience = audience
        self.overflow_count = self.handed_count = 0
        self._database, self._worker_database = database, worker_database
        self._most_of_user, self._most_of_tenant = most_of_user, most_of_tenant
        self._of_user: Counter[UUID] = Counter()
        self._of_tenant: Counter[UUID] = Counter()
        self._streams: dict[tuple[UUID, ...], set[Stream]] = defaultdict(set)
        self._connection: Connection | None = None
        self._place: Place | None = None
        self._reading = asyncio.Semaphore(MOST_READING)
        self._is_closing = self._is_away = False
        self._idle_turns = 0

    @property
    def stream_count(self) -> int:
        return sum(map(len, self._streams.values()))

    # Listening

    async def find(self, caller: Caller, after: UUID | None) -> tuple[Place, str | None] | None:
        """Where to begin, and the cursor there: behind that event, else now. None when there is no such event."""
        async with self._database.transaction(caller) as db:
            if after is None:
                return await store.now(db)
            place = await store.place_of(db, after)
            return None if place is None else (place, str(after))

    @asynccontextmanager
    async def listen(
        self, caller: Caller, verify: Verify, topics: frozenset[str], begin: tuple[Place, str | None]
    ) -> AsyncIterator[Stream]:
        """A listener for as long as the block runs. Raises TooManyStreams."""
        user, tenant = caller.user_id, caller.tenant_id
        if self._of_user[user] >= self._most_of_user or self._of_tenant[tenant] >= self._most_of_tenant:
            raise TooManyStreams
        self._of_user[user] += 1
        self._of_tenant[tenant] += 1
        stream = Stream(self, caller, verify, topics, *begin)
        self._streams[caller.tenant_ids].add(stream)
        if self._is_closing:
            stream.end("restarting")
        try:
            yield stream
        finally:
            self._remove(stream, stream.caller)
            for counter, key in ((self._of_user, user), (self._of_tenant, tenant)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]

    def move(self, stream: Stream, before: Caller) -> None:
        """The stream's caller has other tenants now than ``before``."""
        self._remove(stream, before)
        self._streams[stream.caller.tenant_ids].add(stream)

    async def missed(self, caller: Caller, after: Place) -> store.Page:
        """What the store holds behind that place of the caller's tenants."""
        async with self._reading, self._database.transaction(caller) as db:
            return await store.missed(db, after)

    def end_all(self, reason: str = "restarting") -> None:
        """Send everybody away, also whoever comes from now on."""
        self._is_closing = True
        self._end(reason)

    def end_tenant(self, tenant_id: UUID, reason: str) -> None:
        """Send away whoever listens for that tenant."""
        for streams in self._streams.values():
            for stream in streams:
                if stream.caller.tenant_id == tenant_id:
                    stream.end(reason)

    # Tailing

    async def turn(self) -> None:
        """Hand on what has settled since the last turn; nothing when nobody listens."""
        if not self._streams:
            await self._idle()
            return
        try:
            await self._tail()
            self._is_away = False
        except (
            Unavailable
        ) as away:  # listeners stay: whatever happens meanwhile is read from the place before
            if not self._is_away:
                log.warning("listeners wait: %s", away.detail)
            self._is_away = True
            await asyncio.sleep(RETRY_S)

    async def rest(self) -> None:
        """Let go of the connection; the next turn with listeners makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close(timeout=2)

    async def _idle(self) -> None:
        self._place = None  # whoever comes next begins with the page that is next then
        self._idle_turns += 1
        if self._idle_turns > IDLE_TURNS:
            await self.rest()

    async def _tail(self) -> None:
        self._idle_turns = 0
        connection = self._connection or await self._connect()
        try:
            while await self._hand_page(connection):
                pass
        except Exception as error:
            if not connection.is_closed():
                raise
            self._connection = None
            raise DatabaseUnavailable from error

    async def _hand_page(self, connection: Connection) -> bool:
        """Whether there may be more."""
        after = self._place or _END
        tenants = {str(tenant) for reach in self._streams for tenant in reach}
        page = await store.tail(connection, after, sorted(tenants))
        if self._place is not None and page.horizon <= self._place[0]:
            log.warning("the feed was set back to an earlier time: all listeners begin anew")
            self._place = None
            self._end("reset")
            return False
        self._place = page.until
        self.handed_count += len(page.messages)
        for reach, streams in self._streams.items():
            messages = self._within(reach, page.messages)
            for stream in streams:
                stream.offer(messages, page.until)
        return page.is_full

    def _hint(self, payload: str) -> None:
        message = hinted(payload)
        for reach, streams in self._streams.items():
            for each in self._within(reach, [message]):
                for stream in streams:
                    stream.hint(each)

    def _within(self, reach: tuple[UUID, ...], messages: Sequence[Message]) -> list[Message]:
        """Those of these tenants."""
        tenants = set(map(str, reach))
        return [message for message in messages if message.tenant_id in tenants]

    async def _connect(self) -> Connection:
        connection = await self._worker_database.apart()
        self._connection = connection

        def heard(*said: Any) -> None:  # connection, pid, channel, payload
            self._hint(said[-1])

        await cast(Any, connection).add_listener(HINTS, heard)
        return connection

    def _remove(self, stream: Stream, caller: Caller) -> None:
        streams = self._streams[caller.tenant_ids]
        streams.discard(stream)
        if not streams:
            del self._streams[caller.tenant_ids]

    def _end(self, reason: str) -> None:
        for streams in self._streams.values():
            for stream in streams:
                stream.end(reason)
