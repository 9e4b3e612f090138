"""Query parameters: unknown or doubled ones are refused, each named as the client wrote it.

The ASGI layer has already turned camelCase names into snake_case (``perPage`` is ``per_page``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from serve.kernel.asking import asked_of, repeats
from serve.kernel.errors import Invalid
from serve.kernel.idempotency import DRY_RUN, asks_dry_run
from serve.kernel.risk import DryRunNotPossible, offers_dry_run

_KNOWN: dict[Callable[..., Any], dict[str, bool]] = {}  # by endpoint, once each
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def snake_query(query: bytes) -> tuple[bytes, dict[str, str]]:
    """The query string with snake_case names, and what the client had written for each that changed.

    >>> snake_query(b"perPage=5&sort=-churnScore")
    (b'per_page=5&sort=-churnScore', {'per_page': 'perPage'})
    """
    pairs, written_as = [], {}
    for pair in query.split(b"&"):
        name, equals, value = pair.partition(b"=")
        plain = unquote_plus(name.decode("latin-1"))
        snake = _HUMP.sub(r"_\1", plain).lower() if _HUMP.search(plain) else plain
        if snake != plain:
            written_as[snake] = plain
            name = quote_plus(snake).encode()
        pairs.append(name + equals + value)
    return b"&".join(pairs), written_as


async def refuse_unknown_parameters(request: Request) -> None:
    """For every route: a parameter that would be ignored is an error, so a typo never changes an answer silently.

    The same goes for the wish that nothing be changed."""
    if asks_dry_run(request.headers.get(DRY_RUN)) and not offers_dry_run(request.scope["route"]):
        raise DryRunNotPossible
    given = request.query_params.multi_items()
    if not given:
        return
    known = _known(request.scope["route"])
    written_as: dict[str, str] = request.scope["state"].get("written_as", {})
    seen: set[str] = set()
    wrong: dict[str, str] = {}
    for name, _ in given:
        if name not in known:
            wrong[written_as.get(name, name)] = "is not a parameter of this address"
        elif name in seen and not known[name]:
            wrong[written_as.get(name, name)] = "is given more than once"
        seen.add(name)
    if wrong:
        raise Invalid("Some query parameters are not valid.", details=list(wrong.items()))


def _known(route: APIRoute) -> dict[str, bool]:
    """The route's query parameters, and whether each may be repeated."""
    known = _KNOWN.get(route.endpoint)
    if known is None:
        _collect(route.dependant, known := {})
        for asking in asked_of(route.dependant):
            known |= {name: name in asking.repeated for name in asking.model.model_fields}
        _KNOWN[route.endpoint] = known
    return known


def _collect(dependant: Dependant, known: dict[str, bool]) -> None:
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, field in annotation.model_fields.items():
                known[name] = repeats(field)
        else:
            known[parameter.alias] = repeats(parameter.field_info)
    for inner in dependant.dependencies:
        _collect(inner, known)
