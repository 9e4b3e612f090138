"""What each action takes and answers, as the OpenAPI document says it: nothing is described a second time."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import orjson

from serve.kernel.actions.action import BODY, Action
from serve.kernel.openapi import operation_of

_COMPONENTS = "#/components/schemas/"
Schema = dict[str, Any]


class Schemas(NamedTuple):
    """JSON Schemas that stand for themselves: what they refer to is under ``$defs``."""

    input: Schema
    output: Schema


class Catalogue:
    """Each made when first asked for, and kept as JSON: as objects hundreds of schemas take ten times the room."""

    def __init__(self) -> None:
        self._schemas: dict[str, bytes] = {}

    async def schemas(self, action: Action) -> Schemas:
        made = self._schemas.get(action.id)
        if made is None:
            made = self._schemas[action.id] = await asyncio.to_thread(_made, action)
        return Schemas(*orjson.loads(made))


def _made(action: Action) -> bytes:
    return orjson.dumps(tuple(schemas_of(action, *operation_of(action.route))))


def schemas_of(action: Action, operation: dict[str, Any], named: dict[str, Schema]) -> Schemas:
    """Path, query and body side by side, as ``Action.asked`` takes them apart; and the answer of a success."""
    success = next(status for status in operation["responses"] if status.startswith("2"))
    content = operation["responses"][success].get("content", {})
    answer = _followed(content.get("application/json", {}).get("schema", {}), named).get("properties", {})
    output = {"data": answer.get("data", {}), "meta": answer.get("meta", {})}
    return Schemas(
        _whole(_parameters(action, operation, named), named),
        _whole({"type": "object", "properties": output, "required": list(output)}, named),
    )


def _parameters(action: Action, operation: dict[str, Any], named: dict[str, Schema]) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    for parameter in operation.get("parameters", ()):
        name = (
            parameter["name"].replace("-", "_").lower() if parameter["in"] == "header" else parameter["name"]
        )
        if parameter["in"] == "header" and name not in action.in_headers:
            continue  # Idempotency-Key and X-Dry-Run are said beside the parameters
        described = {"description": parameter["description"]} if "description" in parameter else {}
        properties[name] = {**parameter["schema"], **described}
        if parameter.get("required"):
            required.append(name)
    whole: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if "requestBody" in operation:
        required += _add_body(whole, operation["requestBody"], named)
    return {**whole, "required": required} if required else whole


def _add_body(whole: Schema, asked: dict[str, Any], named: dict[str, Schema]) -> list[str]:
    """Its fields beside the parameters; what has no fields, and a field whose name is taken, goes under ``body``."""
    properties, needed = whole["properties"], bool(asked.get("required"))
    body = _followed(asked["content"]["application/json"]["schema"], named)
    if body.get("type") != "object":
        properties[BODY] = body
        return [BODY] if needed else []
    fields = body.get("properties", {})
    if body.get("additionalProperties", True) is not False:
        whole["additionalProperties"] = True
    taken = {name: field for name, field in fields.items() if name in properties}
    properties.update({name: field for name, field in fields.items() if name not in taken})
    wanted = [name for name in body.get("required", ()) if needed and name not in taken]
    if taken:
        inner = [name for name in body.get("required", ()) if name in taken]
        properties[BODY] = {"type": "object", "properties": taken, **({"required": inner} if inner else {})}
        wanted += [BODY] if inner and needed else []
    return wanted


def _followed(schema: Schema, named: dict[str, Schema]) -> Schema:
    """What a reference leads to; of a body that may be left out, what it is when it is there."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) == 1:
        schema = kinds[0]
    return named[schema["$ref"].removeprefix(_COMPONENTS)] if "$ref" in schema else schema


def _whole(schema: Schema, named: dict[str, Schema]) -> Schema:
    """With everything that it refers to, directly or not, under ``$defs``."""
    found: dict[str, Schema] = {}

    def local(part: Any) -> Any:
        if isinstance(part, list):
            return [local(each) for each in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith(_COMPONENTS):
            name = reference.removeprefix(_COMPONENTS)
            if name not in found:
                found[name] = {}
                found[name] = local(named[name])
            return {**{key: local(each) for key, each in part.items()}, "$ref": f"#/$defs/{name}"}
        return {key: local(each) for key, each in part.items()}

    schema = local(schema)
    return {**schema, "$defs": found} if found else schema
