"""The opening of a WebSocket, as the layer around the application sees it."""

from __future__ import annotations

import time

from starlette.types import Message, Receive, Scope, Send

from serve.kernel.errors import Problem, respond

SWITCHED = 101
"""The status of a connection that became a WebSocket."""


class Opening:
    """The way of messages to the client. Call it as ``send``."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._began = send, time.perf_counter()
        self._request_id = (b"x-request-id", request_id.encode())
        self.status = 0
        self.opened_s = 0.0

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self.status, self.opened_s = SWITCHED, time.perf_counter() - self._began
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
        elif kind == "websocket.close" and not self.status:
            self.status = 403  # what servers make of a close before the accept
        if kind in ("websocket.accept", "websocket.http.response.start"):
            message = {**message, "headers": [*message.get("headers", ()), self._request_id]}
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, problem: Problem) -> None:
        """As an answer over HTTP, where the server knows how; else the connection just does not come about."""
        if "websocket.http.response" in scope.get("extensions", {}):
            await respond(scope, problem)(scope, receive, self)
        else:
            await self({"type": "websocket.close", "code": 1008})
