"""What is said about the MCP server over plain HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from serve.kernel.envelope import Output


class ToolsQuery(BaseModel):
    areas: str | None = Field(
        None,
        max_length=500,
        pattern="^[a-z0-9_]+(,[a-z0-9_]+)*$",
        description="Only tools of these areas, separated by commas: what the ids of their actions begin with.",
        examples=["contacts,vehicles"],
    )
    read_only: bool = Field(False, description="Only tools that change nothing.")


class McpHealth(Output):
    """The server answers, and this is what it offers to you."""

    name: str = Field(examples=["throughline"])
    version: str = Field(examples=["0.4.0"])
    transport: str = Field(examples=["streamable_http"])
    protocol_versions: list[str] = Field(description="The newest first.", examples=[["2025-11-25"]])
    tools: int = Field(description="How many you would be shown.", examples=[42])


RPC_REQUEST: dict[str, Any] = {
    "type": "object",
    "description": "One message of JSON-RPC 2.0; several at once are no longer part of MCP.",
    "properties": {
        "jsonrpc": {"type": "string", "const": "2.0"},
        "id": {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "None for a notification."},
        "method": {"type": "string", "examples": ["tools/list"]},
        "params": {"type": "object"},
    },
    "required": ["jsonrpc", "method"],
}
RPC_ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "jsonrpc": {"type": "string", "const": "2.0"},
        "id": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        "result": {"type": "object"},
        "error": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}, "data": {}},
            "required": ["code", "message"],
            "additionalProperties": False,
        },
    },
    "required": ["jsonrpc", "id"],
    "additionalProperties": False,
}
