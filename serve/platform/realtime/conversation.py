"""A WebSocket from its opening to its end: two loops, one that listens to the client and one that tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from serve.kernel.caller import Caller
from serve.kernel.errors import BodyTooLarge, Forbidden, Invalid, Problem, TooManyRequests, Unauthenticated
from serve.kernel.ratelimit import RateLimit
from serve.kernel.realtime.audience import EVERYTHING
from serve.kernel.realtime.hub import Hub
from serve.kernel.realtime.stream import Stream
from serve.platform.events.errors import CursorGone
from serve.platform.realtime import handshake, schemas

AUTH_S = 10.0
"""To say who one is, after a connection that did not show it."""
GOODBYE_S = 2.0
"""To say why a connection is closed."""
MOST_MESSAGE_BYTES = 16_384
MESSAGES_PER_MIN, MESSAGES_AT_ONCE = 300, 60

CLOSES: Mapping[str, tuple[int, str]] = {
    "INVALID": (4400, "Parameters of the address are wrong; an `error` before it names them."),
    "UNAUTHENTICATED": (
        4401,
        "No token in time, or one that is not valid any more. Get a new one and come back.",
    ),
    "FORBIDDEN": (4403, "The role or the key may not listen at all."),
    "TENANT_SUSPENDED": (4403, "The tenant stands still."),
    "suspended": (4403, "The tenant stands still from now on."),
    "CURSOR_GONE": (4410, "There is no event `last_event_id`. Come back without it."),
    "BODY_TOO_LARGE": (1009, "A message of the client was too long."),
    "RATE_LIMITED": (4429, "Too many messages of the client."),
    "TOO_MANY_STREAMS": (4429, "Too many connections of the user or the tenant."),
    "DATABASE_UNAVAILABLE": (1013, "The database cannot be reached at the moment. Come back shortly."),
    "restarting": (1012, "The service stops or restarts. Come back with the last id."),
    "reset": (1012, "The database was set back to an earlier time. Come back; the last id may be gone."),
    "slow": (1013, "The client does not read. Come back with the last id."),
}
"""Why the server closes a connection: by the code of a problem or the reason of the stream's end."""


class Conversation:
    """``run`` it once."""

    def __init__(self, socket: WebSocket, hub: Hub, *, heartbeat_s: float, patience_s: float) -> None:
        self._socket, self._hub = socket, hub
        self._heartbeat_s, self._patience_s = heartbeat_s, patience_s
        self._limit = RateLimit(MESSAGES_PER_MIN, MESSAGES_AT_ONCE)

    async def run(self) -> None:
        """Raises OtherSite before the connection is accepted."""
        credentials = handshake.credentials_of(self._socket)
        spoken = handshake.PROTOCOL if handshake.PROTOCOL in self._socket.scope["subprotocols"] else None
        await self._socket.accept(subprotocol=spoken)
        with suppress(WebSocketDisconnect):
            try:
                await self._listen(credentials)
            except Problem as problem:
                await self._refuse(problem)
                code, _ = CLOSES.get(problem.code, (1011, ""))
                await self._socket.close(code, problem.code)

    async def _listen(self, credentials: handshake.Headers | None) -> None:
        asked = handshake.asked_in(self._socket)
        topics = self._hub.audience.topics(asked.topics or [EVERYTHING])
        verify = handshake.verifier(self._socket.scope, credentials or await self._credentials())
        caller = self._socket.scope["state"]["caller"] = await verify()
        if "self:read" not in caller.permissions:
            raise Forbidden
        begin = await self._hub.find(caller, asked.last_event_id)
        if begin is None:
            raise CursorGone
        async with self._hub.listen(caller, verify, topics, begin) as stream:
            ready = schemas.Ready(
                topics=sorted(topics),
                last_event_id=stream.cursor,
                expires_at=_expiry(caller),
                heartbeat_s=self._heartbeat_s,
            )
            await self._say(ready.model_dump(mode="json"))
            hearing = asyncio.create_task(self._hear(stream, is_default=asked.topics is None))
            try:
                await self._tell(stream)
                await self._take_leave(stream, hearing)
            finally:
                hearing.cancel()

    async def _take_leave(self, stream: Stream, hearing: asyncio.Task[None]) -> None:
        """Close for the reason for which the stream ended. Raises what stopped the hearing, Unauthenticated."""
        if hearing.done() or stream.ended == "refused":
            await hearing
        if stream.ended == "gone":
            return
        if stream.ended == "unauthenticated":
            raise Unauthenticated("The token has expired or its session was ended. Come back with a new one.")
        assert stream.ended is not None
        code, _ = CLOSES.get(stream.ended, (1000, ""))
        with suppress(TimeoutError):  # who does not read cannot be told; the server lets the connection go
            async with asyncio.timeout(GOODBYE_S):
                await self._socket.close(code, stream.ended)

    # Telling

    async def _tell(self, stream: Stream) -> None:
        """Until the stream ends, whoever ends it."""
        send = self._socket.send
        try:
            while stream.ended is None:
                messages = await stream.next(self._heartbeat_s)
                for message in messages:
                    async with asyncio.timeout(self._patience_s):
                        await send({"type": "websocket.send", "text": message.json})
                if not messages and stream.ended is None:
                    await self._say({"type": "heartbeat", "last_event_id": stream.cursor})
        except TimeoutError:  # what it has not got is there when it comes back
            stream.end("slow")
        except WebSocketDisconnect:
            stream.end("gone")

    async def _say(self, message: Mapping[str, Any]) -> None:
        async with asyncio.timeout(self._patience_s):
            await self._socket.send({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    async def _refuse(self, problem: Problem) -> None:
        details = [{"field": field, "message": message} for field, message in problem.details]
        error = {"code": problem.code, "message": problem.detail, "details": details}
        await self._say({"type": "error", "error": error})

    # Hearing

    async def _hear(self, stream: Stream, *, is_default: bool) -> None:
        """Until the client leaves or says too much; the stream ends with it."""
        reason = "gone"
        try:
            while True:
                spoken = await self._spoken()
                if isinstance(spoken, schemas.Subscribe) and is_default:
                    stream.topics, is_default = frozenset(), False
                if spoken is not None:
                    await self._answer(stream, spoken)
        except Problem:
            reason = "refused"
            raise
        except (WebSocketDisconnect, TimeoutError):
            pass
        finally:
            stream.end(reason)

    async def _answer(self, stream: Stream, spoken: schemas.Spoken) -> None:
        try:
            match spoken:
                case schemas.Ping():
                    await self._say({"type": "pong"})
                case schemas.Subscribe():
                    stream.topics |= self._hub.audience.topics(spoken.topics)
                case schemas.Unsubscribe():
                    stream.topics -= self._hub.audience.topics(spoken.topics)
                case schemas.Auth():
                    caller = await self._renewed(stream, spoken.token)
                    await self._say(schemas.Authenticated(expires_at=_expiry(caller)).model_dump(mode="json"))
        except Problem as problem:
            await self._refuse(problem)
        else:
            if isinstance(spoken, (schemas.Subscribe, schemas.Unsubscribe)):
                await self._say({"type": "subscribed", "topics": sorted(stream.topics)})

    async def _renewed(self, stream: Stream, token: str) -> Caller:
        """Go on with another token of the same person for the same tenant. Raises Unauthenticated, Forbidden."""
        verify = handshake.verifier(self._socket.scope, handshake.by_token(token))
        caller, before = await verify(), stream.caller
        if (caller.user_id, caller.tenant_id) != (before.user_id, before.tenant_id):
            raise Forbidden("That token is of another person or another tenant. Open another connection.")
        stream.verify = verify
        return caller

    async def _credentials(self) -> handshake.Headers:
        """What the client says of itself in its first message. Raises Unauthenticated."""
        with suppress(TimeoutError):
            async with asyncio.timeout(AUTH_S):
                while True:
                    spoken = await self._spoken()
                    if isinstance(spoken, schemas.Auth):
                        return handshake.by_token(spoken.token)
                    if spoken is not None:
                        await self._refuse(Unauthenticated())
        raise Unauthenticated

    async def _spoken(self) -> schemas.Spoken | None:
        """The client's next message; None when it was none, which the client has been told.

        Raises WebSocketDisconnect, BodyTooLarge, TooManyRequests.
        """
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if self._limit.wait_s(""):
            raise TooManyRequests("Too many messages. Wait a little.")
        self._limit.count("")
        said: str | bytes = message.get("text") or message.get("bytes") or ""
        if len(said) > MOST_MESSAGE_BYTES:
            raise BodyTooLarge(f"A message may have {MOST_MESSAGE_BYTES} bytes.")
        try:
            return schemas.SPEECH.validate_json(said)
        except ValidationError as error:
            await self._refuse(Invalid(details=handshake.details_of(error)))
            return None


def _expiry(caller: Caller) -> datetime:
    return datetime.fromtimestamp(caller.expires_at_s, UTC)
