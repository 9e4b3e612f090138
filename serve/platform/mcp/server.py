"""The MCP server, by the official SDK: tools and nothing else, each request by itself, so any process may answer it.

The SDK is loaded when the first request comes: it takes a second, which no start should pay.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Request, Response
from starlette.types import Message

from serve.kernel.actions import NotAnAction, OperationNotFound
from serve.kernel.caller import Caller
from serve.kernel.envelope import dumps
from serve.platform.actions.catalogue import Catalogue
from serve.platform.mcp import calls, tools
from serve.platform.mcp.calls import Desk
from serve.platform.mcp.tools import Toolset

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

TOOLS_A_PAGE = 50
INSTRUCTIONS = (
    "Tools are the operations of Throughline, as far as you may use them; names are `area-verb`. List them in pages, or"
    " add `?areas=contacts,vehicles` or `?read_only=true` to the address for fewer. A risky tool first answers what"
    " would happen and a `confirmation`; nothing is done until you call it again with its token as `confirm`."
)
_CURSOR = re.compile(r"[a-z0-9_.]{1,100}")


class McpServer:
    """Answers requests whose caller has been let in."""

    def __init__(self, desk: Desk, catalogue: Catalogue, *, version: str) -> None:
        self._desk, self._catalogue, self._version = desk, catalogue, version
        self._server: Server[Any] | None = None
        self._turn = asyncio.Lock()

    async def protocol_versions(self) -> list[str]:
        """Those it speaks, the newest first."""
        await self._ready()
        from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

        return sorted((*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS), reverse=True)

    async def answer(self, request: Request, body: bytes) -> Response:
        """One JSON-RPC message; the toolset stands in the request's state."""
        server = await self._ready()
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        unread = [{"type": "http.request", "body": body, "more_body": False}]
        status, headers, parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

        async def receive() -> Message:
            return unread.pop() if unread else await request.receive()

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            else:
                parts.append(message.get("body", b""))

        # A manager for each request: it holds no session, and what it started ends with it.
        manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(request.scope, receive, send)
        told = {
            name.decode(): value.decode() for name, value in headers if name in (b"content-type", b"allow")
        }
        return Response(b"".join(parts), status, told)

    async def _ready(self) -> Server[Any]:
        async with self._turn:
            if self._server is None:
                self._server = await asyncio.to_thread(self._load)
            return self._server

    def _load(self) -> Server[Any]:
        import mcp.server.streamable_http_manager  # noqa: F401 - here, in a thread, and not in the first request
        from mcp.server.lowlevel.server import Server

        logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of each request twice
        server: Server[Any] = Server(
            "throughline",
            version=self._version,
            title="Throughline",
            instructions=INSTRUCTIONS,
            # No schema of ours asks for a header; without this each call would list all tools first.
            get_tool_input_schema=lambda name: None,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        server.middleware.clear()  # tracing, for nobody
        return server

    async def _list(self, context: Any, params: Any) -> Any:
        from mcp.shared.exceptions import MCPError
        from mcp_types import INVALID_PARAMS, ListToolsResult, Tool

        after = (params and params.cursor) or ""
        if after and not _CURSOR.fullmatch(after):
            raise MCPError(INVALID_PARAMS, "This cursor is not one of ours.")
        request = context.request
        caller, toolset = _caller(request), _toolset(request)
        found = [each for each in toolset.of(self._desk.actions, caller) if each.id > after]
        page, rest = found[:TOOLS_A_PAGE], found[TOOLS_A_PAGE:]
        listed = [tools.described(each, await self._catalogue.schemas(each)) for each in page]
        return ListToolsResult(
            tools=[Tool.model_validate(each) for each in listed], next_cursor=page[-1].id if rest else None
        )

    async def _call(self, context: Any, params: Any) -> Any:
        from mcp.shared.exceptions import MCPError
        from mcp_types import INVALID_PARAMS, CallToolResult, TextContent

        request = context.request
        try:
            action = self._desk.actions.get(tools.operation_id_of(params.name))
        except (OperationNotFound, NotAnAction) as problem:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name[:100]}") from problem
        if not _toolset(request).admits(action):
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {params.name[:100]}")
        told = await calls.answer(
            self._desk, action, params.arguments or {}, _caller(request), request.state.request_id
        )
        text = dumps(told.content).decode()
        return CallToolResult(
            content=[TextContent(type="text", text=text)],
            structured_content=orjson.loads(text),
            is_error=told.is_error,
        )


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _toolset(request: Request) -> Toolset:
    toolset: Toolset = request.state.toolset
    return toolset
