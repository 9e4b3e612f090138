"""What happens, as it happens: a WebSocket, and a stream of server-sent events."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response, WebSocket
from fastapi.routing import APIRouter

from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable
from serve.kernel.errors import problems
from serve.kernel.realtime.audience import EVERYTHING
from serve.kernel.realtime.hub import Hub, TooManyStreams
from serve.kernel.routing import area_router
from serve.platform.events.errors import CursorGone
from serve.platform.realtime import names  # noqa: F401 - they are declared there
from serve.platform.realtime.conversation import Conversation
from serve.platform.realtime.handshake import verifier
from serve.platform.realtime.schemas import RealtimeEvent, SubscribeQuery
from serve.platform.realtime.sse import EventStream
from serve.settings import Settings

router = area_router(prefix="/api/v1/realtime", tags=["realtime"])
sockets = APIRouter()

PATIENCE_S = 30.0
"""How long a client may read nothing of what is sent to it."""


@router.get(
    "/subscribe",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {
            "model": RealtimeEvent,
            "description": "Events, one JSON object in each `data:`; the connection stays open.",
        },
        **problems(CursorGone, TooManyStreams, DatabaseUnavailable),
    },
)
async def subscribe(
    asked: Annotated[SubscribeQuery, Query()],
    caller: Annotated[Caller, Depends(Needs("self:read"))],
    request: Request,
    last_event_id: Annotated[
        UUID | None, Header(description="As EventSource sends it; counts more than the parameter.")
    ] = None,
) -> Response:
    """Hear of events as they happen, as server-sent events.

    You are told what your role lets you read, of your tenants. The `id` of an event is a place in the history: whoever
    comes back with the last one is told everything in between first. Order and completeness are those of
    `GET /api/v1/events`. See docs/api/realtime.md.
    """
    hub: Hub = request.app.state.hub
    settings: Settings = request.app.state.settings
    return EventStream(
        hub,
        caller,
        verifier(request.scope, dict(request.scope["headers"])),
        hub.audience.topics(asked.topics or [EVERYTHING]),
        after=last_event_id or asked.last_event_id,
        follow=asked.follow,
        heartbeat_s=settings.realtime_heartbeat_s,
        patience_s=PATIENCE_S,
    )


@sockets.websocket("/ws")
async def converse(socket: WebSocket) -> None:
    """The same over a WebSocket; what is said there stands in docs/api/realtime.md."""
    state: Any = socket.app.state
    settings: Settings = state.settings
    await Conversation(
        socket, state.hub, heartbeat_s=settings.realtime_heartbeat_s, patience_s=PATIENCE_S
    ).run()
