"""The OpenAPI document: what FastAPI derives, completed in one place (errors, security, formats, an example each)."""

from __future__ import annotations

import types
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from serve.kernel.access import permission_of
from serve.kernel.answers import NoRelease, QueryTooSlow
from serve.kernel.asking import asked_of
from serve.kernel.caller import COOKIE, CrossSiteRequest
from serve.kernel.errors import (
    BodyTooLarge,
    ErrorEnvelope,
    Forbidden,
    Invalid,
    Malformed,
    NotAcceptable,
    Problem,
    TimedOut,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMediaType,
    problems,
)
from serve.kernel.idempotency import RepeatableRoute
from serve.kernel.layer import API_PATHS
from serve.kernel.retirement import describe
from serve.kernel.risk import KEY, offers_dry_run, risk_of

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A word of yours: the same request with it has one effect and gets the same answer for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_DRY_RUN = {
    "name": "X-Dry-Run",
    "in": "header",
    "required": False,
    "description": "`true`: do everything, answer what would happen, and undo it.",
    "schema": {"type": "boolean", "default": False},
}


def release_answer(*also: type[Problem]) -> dict[str, Any]:
    """The ``responses=`` of a route that answers from a release; ``also`` are failures of its own."""
    return {
        "responses": {
            200: {
                "headers": {
                    "ETag": {
                        "description": "Changes only when the answer may: send it back as If-None-Match.",
                        "schema": {"type": "string"},
                    }
                },
                "content": {
                    "text/csv": {"schema": {"type": "string"}},
                    "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
                },
            },
            304: {"description": "You have this answer already."},
            **problems(NotAcceptable, NoRelease, QueryTooSlow, *also),
        }
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document; needs no database."""
    schema = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(schema["paths"][route.path_format][method.lower()], route)
    parts = schema.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _, errors = models_json_schema(
        [(ErrorEnvelope, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas |= errors["$defs"]
    parts["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    return schema


def operation_of(route: APIRoute) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the document says of one route, and the schemas that this refers to; without making all of it."""
    schema = get_openapi(title="", version="", routes=[route])
    (operation,) = schema["paths"][route.path_format].values()
    _complete(operation, route)
    return operation, schema.get("components", {}).get("schemas", {})


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    operation["summary"] = operation["description"].partition("\n")[0].rstrip(".")
    for asking in asked_of(route.dependant):
        operation.setdefault("parameters", []).extend(asking.parameters())
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = never_null(parameter["schema"])
    responses = operation["responses"]
    kinds: list[type[Problem]] = [Invalid]
    if route.path.startswith(API_PATHS):
        kinds += [TooManyRequests, TimedOut]
    permission = permission_of(route)
    if permission is not None:
        operation["security"] = [{"bearer": []}, {"api_key": []}, {"cookie": []}]
        operation["x-permission"] = permission
        kinds += [Unauthenticated, Forbidden]
        if route.methods != {"GET"}:
            kinds.append(CrossSiteRequest)
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        kinds += [Malformed, BodyTooLarge, UnsupportedMediaType]
    if isinstance(route, RepeatableRoute) and route.is_repeatable:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    operation.pop(KEY, None)
    operation["x-risk"] = risk_of(route)
    if operation["x-risk"] != "read" and offers_dry_run(route):
        operation.setdefault("parameters", []).append(_DRY_RUN)
    for status, entry in problems(*kinds).items():
        content = entry["content"]["application/json"]
        # Examples that the route declares itself stay; FastAPI's own model of a 422 does not.
        stated = responses.get(str(status), {}).get("content", {}).get("application/json", {})
        content["examples"] |= stated.get("examples", {})
        content["schema"] = {"$ref": "#/components/schemas/ErrorEnvelope"}
        responses[str(status)] = {
            "description": entry["description"],
            "content": {"application/json": content},
        }
    success = next((code for code in responses if code.startswith("2")), None)
    if success and (stream := responses[success].get("content", {}).get("text/event-stream")):
        # FastAPI says "string" beside the model, because the answer is no JSON.
        stream["schema"] = event_of_a_stream({"$ref": stream["schema"]["$ref"]})
    if success and isinstance(route.response_model, type) and issubclass(route.response_model, BaseModel):
        responses[success]["content"]["application/json"]["example"] = example_of(route.response_model)
    describe(operation)


def event_of_a_stream(said: dict[str, Any]) -> dict[str, Any]:
    """One server-sent event whose data are ``said``, or the last one, which says why the stream ends.

    Up to OpenAPI 3.1 the schema of such a stream is that of an event; its fields are named as in its text.
    """

    def event(data: dict[str, Any], **fields: Any) -> dict[str, Any]:
        told = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
        properties = {"id": {"type": "string"}, "retry": {"type": "integer"}, **fields, "data": told}
        return {
            "type": "object",
            "properties": properties,
            "required": [*fields, "data"],
            "additionalProperties": False,
        }

    words = {"reason": {"type": "string"}}
    reason = {"type": "object", "properties": words, "required": ["reason"], "additionalProperties": False}
    return {"anyOf": [event(said), event(reason, event={"type": "string", "const": "end"})]}


def never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a parameter: it may be left out, but in an address or a header there is no null."""
    if {"type": "null"} not in schema.get("anyOf", ()):
        return schema
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf" and value is not None}
    return {**kinds[0], **rest} if len(kinds) == 1 else {"anyOf": kinds, **rest}


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """An instance as JSON would show it, from the examples of its fields."""
    return {name: _example(field) for name, field in model.model_fields.items()}


def _example(field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    return _example_of_type(field.annotation)


_SIMPLE: dict[Any, Any] = {
    bool: True,
    int: 1,
    float: 0.5,
    str: "text",
    date: "2026-01-31",
    datetime: "2026-01-31T08:00:00Z",
    UUID: "0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01",
}


def _example_of_type(kind: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _example_of_type(inner[0])
    if origin in (Union, types.UnionType):
        return _example_of_type(next(each for each in inner if each is not type(None)))
    if origin is Literal:
        return inner[0]
    if origin is list:
        return [_example_of_type(inner[0])]
    if origin is dict:
        return {"key": _example_of_type(inner[1])}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return example_of(kind)
    return _SIMPLE.get(kind)
