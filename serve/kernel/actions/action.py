"""One operation as an action: what it is called, what it may do, and how its parameters become a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter

from serve.kernel.access import permission_of
from serve.kernel.asking import asked_of
from serve.kernel.envelope import dumps
from serve.kernel.errors import Invalid
from serve.kernel.idempotency import RepeatableRoute
from serve.kernel.risk import Risk, left_out, offers_dry_run, risk_of, shares_transaction

BODY = "body"
"""The parameter that is a whole body, or those of its fields that have a name of the path or query too."""

_TEXT: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a call where HTTP has them."""

    path: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | None


@dataclass(frozen=True)
class Action:
    """What stands on its route, read once."""

    id: str
    route: APIRoute = field(repr=False)
    permission: str
    risk: Risk
    offers_dry_run: bool
    shares_transaction: bool
    left_out: str | None
    in_path: frozenset[str]
    in_query: frozenset[str]
    in_headers: dict[str, str]
    """As parameters are written, and as the header is."""
    takes_body: bool
    needs_body: bool
    body_fields: frozenset[str]

    @property
    def method(self) -> str:
        (method,) = self.route.methods or ("",)
        return method

    @property
    def area(self) -> str:
        """What the id begins with."""
        return self.id.partition(".")[0]

    @property
    def is_repeatable(self) -> bool:
        """Whether an Idempotency-Key makes two calls one."""
        return isinstance(self.route, RepeatableRoute) and self.route.is_repeatable

    @property
    def path(self) -> str:
        return self.route.path_format

    @classmethod
    def of(cls, operation_id: str, route: APIRoute) -> Action:
        flat = list(_flat(route.dependant))
        query = {name for each in flat for parameter in each.query_params for name in _names(parameter)}
        query |= {name for asking in asked_of(route.dependant) for name in asking.model.model_fields}
        headers = [name for each in flat for parameter in each.header_params for name in _names(parameter)]
        bodies = [parameter for each in flat for parameter in each.body_params]
        return cls(
            operation_id,
            route,
            permission_of(route) or "",
            risk_of(route),
            offers_dry_run(route),
            shares_transaction(route),
            left_out(route),
            frozenset(name for each in flat for parameter in each.path_params for name in _names(parameter)),
            frozenset(query),
            {name.replace("-", "_").lower(): name.lower() for name in headers},
            bool(bodies),
            any(parameter.field_info.is_required() for parameter in bodies),
            frozenset(name for parameter in bodies for name in _fields(parameter)),
        )

    def asked(self, params: Mapping[str, Any]) -> Asked:
        """Each parameter where it belongs. What nobody knows goes where the operation itself refuses it.

        Raises Invalid for what is missing in the path or could not be written in an address.
        """
        path: dict[str, str] = {}
        query: list[tuple[str, str]] = []
        headers: list[tuple[bytes, bytes]] = []
        body: dict[str, Any] = {}
        whole: Any = None
        for name, value in params.items():
            if name in self.in_path:
                path[name] = _written(name, value)
            elif name in self.in_query:
                query += _pairs(name, value)
            elif name in self.in_headers:
                if value is not None:
                    headers.append((self.in_headers[name].encode(), _header(name, value)))
            elif not self.takes_body:
                query += _pairs(name, value)
            elif name == BODY and BODY not in self.body_fields:
                whole = value
            else:
                body[name] = value
        if missing := self.in_path - path.keys():
            raise Invalid(details=[(name, "is missing") for name in sorted(missing)])
        quoted = {name: quote(value, safe="") for name, value in path.items()}
        return Asked(
            self.path.format(**path),
            self.path.format(**quoted).encode(),
            urlencode(query).encode(),
            headers,
            _body(body, whole, self.needs_body) if self.takes_body else None,
        )


def _body(fields: dict[str, Any], whole: Any, is_needed: bool) -> bytes | None:
    """Raises Invalid when a field is given twice, or beside a body that has no fields."""
    if not isinstance(whole, dict):
        if whole is None:
            return dumps(fields) if fields or is_needed else None
        if fields:
            raise Invalid(details=[(name, "stands beside a body that is no object") for name in fields])
        return dumps(whole)
    if twice := fields.keys() & whole.keys():
        raise Invalid(details=[(name, "is given twice") for name in sorted(twice)])
    return dumps({**whole, **fields})


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        if each is not None:
            yield name, _written(name, each)


def _written(name: str, value: Any) -> str:
    """As an address has it. Raises Invalid."""
    plain = _TEXT.dump_python(value, mode="json")
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if not isinstance(plain, (str, int, float)) or plain == "":
        raise Invalid(details=[(name, "must be a text or a number")])
    return str(plain)


def _header(name: str, value: Any) -> bytes:
    text = _written(name, value)
    if not text.isascii() or not text.isprintable():
        raise Invalid(details=[(name, "has letters that no header may have")])
    return text.encode()


def _flat(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _flat(inner)


def _names(parameter: Any) -> Iterator[str]:
    """Its own, or those of the model that it is read as."""
    fields = list(_fields(parameter))
    yield from fields or [parameter.alias]


def _fields(parameter: Any) -> Iterator[str]:
    annotation = parameter.field_info.annotation
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field_info in kind.model_fields.items():
                yield field_info.alias or name
