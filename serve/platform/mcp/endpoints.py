"""The door of the MCP server: who may come in, and from which pages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Query, Request, Response

from serve.kernel.actions import Actions
from serve.kernel.caller import Caller, Needs
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import (
    BodyTooLarge,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    problems,
)
from serve.kernel.resources.words import plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.platform.mcp.schemas import RPC_ANSWER, RPC_REQUEST, McpHealth, ToolsQuery
from serve.platform.mcp.server import McpServer
from serve.platform.mcp.tools import Toolset

PATH = "/api/v1/mcp"
router = area_router(tags=["mcp"])
Someone = Annotated[Caller, Depends(Needs("actions:invoke"))]
Asked = Annotated[ToolsQuery, Query()]
_LEFT_OUT = "is itself a way to actions"


class OriginRefused(Forbidden):
    code, message = "ORIGIN_REFUSED", "Pages of this origin may not use the MCP server."


class TokenNeeded(Forbidden):
    code, message = "TOKEN_NEEDED", "Send an access token or API key: a cookie opens nothing here."


@router.get(
    PATH,
    response_model=Success[McpHealth, Meta],
    responses=problems(MethodNotAllowed, OriginRefused),
    name="mcp.health",
    **acts(left_out=_LEFT_OUT),
)
async def health(request: Request, asked: Asked, caller: Someone) -> Response:
    """Whether the MCP server answers, the versions it speaks, and how many tools you have.

    It opens no stream: a GET that asks for `text/event-stream` is 405, as the protocol has it.
    """
    _check_door(request, caller)
    if "text/event-stream" in request.headers.get("accept", ""):
        raise MethodNotAllowed("This server sends no messages of its own accord.", headers={"Allow": "POST"})
    actions: Actions = request.app.state.actions
    data = {
        "name": "throughline",
        "version": request.app.version,
        "transport": "streamable_http",
        "protocol_versions": await _server(request).protocol_versions(),
        "tools": sum(1 for _ in _toolset(request, asked).of(actions, caller)),
    }
    return plain(data)


@router.post(
    PATH,
    response_class=Response,
    responses={
        200: {"description": "The answer.", "content": {"application/json": {"schema": RPC_ANSWER}}},
        202: {"description": "A notification was taken."},
        **problems(OriginRefused, TokenNeeded, BodyTooLarge, NotAcceptable, UnsupportedMediaType),
    },
    name="mcp.message",
    **acts(
        left_out=_LEFT_OUT,
        risk="risky",
        requestBody={"required": True, "content": {"application/json": {"schema": RPC_REQUEST}}},
    ),
)
async def message(request: Request, asked: Asked, caller: Someone) -> Response:
    """One message to the MCP server (streamable HTTP, JSON-RPC 2.0): `tools/list`, `tools/call` and the like.

    Tools are the actions that you may invoke; each call counts against your rates like the operation itself. A risky
    one first answers what would happen and a confirmation. What JSON-RPC finds wrong with a message it says itself.
    """
    _check_door(request, caller)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType
    request.state.toolset = _toolset(request, asked)
    return await _server(request).answer(request, await request.body())


def _check_door(request: Request, caller: Caller) -> None:
    """Pages of other sites are kept out, whatever name they have made our address known by (DNS rebinding).

    They have no token of ours, and the cookie, which a browser sends by itself, is not taken. Raises OriginRefused or
    TokenNeeded.
    """
    origin = request.headers.get("origin")
    if origin is not None:
        is_own = urlsplit(origin).netloc == request.headers.get("host")
        if not is_own and origin not in request.app.state.settings.cors_origins:
            raise OriginRefused
    if caller.by_cookie:
        raise TokenNeeded


def _toolset(request: Request, asked: ToolsQuery) -> Toolset:
    """Raises Invalid for an area that there is not."""
    if asked.areas is None:
        return Toolset(None, asked.read_only)
    areas = frozenset(asked.areas.split(","))
    actions: Actions = request.app.state.actions
    if unknown := areas - {action.area for action in actions}:
        raise Invalid(details=[("areas", f"{area} is no area") for area in sorted(unknown)])
    return Toolset(areas, asked.read_only)


def _server(request: Request) -> McpServer:
    server: McpServer = request.app.state.mcp
    return server
