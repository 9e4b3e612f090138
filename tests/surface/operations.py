"""Every operation of the service, read from its route table: what the generated tests walk over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args

from fastapi.routing import APIRoute
from pydantic import BaseModel

from serve.app import PUBLIC, create_app
from serve.kernel.access import permission_of
from serve.kernel.actions.naming import canonical_routes
from serve.kernel.openapi import document

APP = create_app()
DOCUMENT: dict[str, Any] = document(APP)

PAGES = {
    "GET /": "the dashboard's page",
    "GET /account": "the page that links of mails open",
    "GET /quotes/accept": "the page that the link of a quote opens",
    "GET /reviews/answer": "the page that the link of a request for a review opens",
    "GET /tickets/rate": "the page that the link in a mail about a resolved ticket opens",
    "GET /docs": "the page of the documentation",
    "GET /docs/init.js": "its script",
    "GET /docs/errors": "the page of the error codes",
    "GET /metrics": "for Prometheus, in its own format and with its own token",
    "GET /docs/openapi-3.0.json": "the document itself",
    "GET /openapi.json": "the document itself",
}
"""Routes that are no operations of the API, and what they are."""


@dataclass(frozen=True)
class Operation:
    """One method at one path, with what the route and the document say about it."""

    method: str
    route: APIRoute

    @property
    def path(self) -> str:
        return self.route.path_format

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return self.name in PUBLIC

    @property
    def canonical(self) -> Operation:
        """The operation that this one is another address of, or itself."""
        route = CANONICAL[self.route.endpoint]
        return self if route is self.route else Operation(*route.methods, route)

    @property
    def permission(self) -> str | None:
        return permission_of(self.route)

    @property
    def documented(self) -> dict[str, Any]:
        return DOCUMENT["paths"][self.path][self.method.lower()]

    def parameters(self, where: str) -> dict[str, dict[str, Any]]:
        """The schemas of its parameters in ``path`` or ``query``, by name."""
        found = self.documented.get("parameters", ())
        return {each["name"]: each.get("schema", {}) for each in found if each["in"] == where}

    @property
    def ids(self) -> list[str]:
        """Parameters of the path that name a row."""
        return [name for name, schema in self.parameters("path").items() if schema.get("format") == "uuid"]

    @property
    def takes_json(self) -> bool:
        return "application/json" in self.documented.get("requestBody", {}).get("content", {})

    @property
    def body_model(self) -> type[BaseModel] | None:
        """What its JSON body is read as."""
        for parameter in self.route.dependant.body_params:
            annotation = parameter.field_info.annotation
            for kind in (annotation, *get_args(annotation)):
                if self.takes_json and isinstance(kind, type) and issubclass(kind, BaseModel):
                    return kind
        return None

    @property
    def needs_a_body(self) -> bool:
        return bool(self.documented.get("requestBody", {}).get("required"))

    def __str__(self) -> str:
        return self.name


CANONICAL = canonical_routes(APP.routes)
ROUTES = [route for route in APP.routes if isinstance(route, APIRoute)]
OPERATIONS = [
    Operation(method, route)
    for route in ROUTES
    if route.include_in_schema
    for method in sorted(route.methods or ())
]
BY_NAME = {operation.name: operation for operation in OPERATIONS}


@dataclass(frozen=True)
class Call:
    """One request, ready to be sent."""

    operation: Operation
    ids: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, Any] = field(default_factory=dict)
    """``data`` and ``files`` of httpx."""
    sender: str | None = None
    """Whose token is sent in the place of an owner's."""

    @property
    def path(self) -> str:
        return self.operation.path.format(**self.ids)
