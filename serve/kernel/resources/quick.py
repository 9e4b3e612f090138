"""The short ways of a resource's most frequent calls: one row, a list, a create."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.types import Receive, Scope

from serve.kernel.caller import Caller
from serve.kernel.db import Reads
from serve.kernel.envelope import success
from serve.kernel.errors import Problem
from serve.kernel.memory import remembered
from serve.kernel.quick import QuickAnswer, etag, id_in, shorten
from serve.kernel.resources.listing import Plan

if TYPE_CHECKING:
    from serve.kernel.resources.declaration import Resource


def shorten_get(router: APIRouter, resource: Resource) -> None:
    async def get(scope: Scope, receive: Receive, caller: Caller) -> QuickAnswer | None:
        row_id = id_in(scope)
        if row_id is None or scope["query_string"]:
            return None
        row = await resource.read(Reads(scope["app"].state.database, caller), row_id)
        return QuickAnswer(200, success(row, {}), (etag(row.etag),))

    shorten(router, resource.reading, get)


def shorten_list(router: APIRouter, resource: Resource) -> None:
    plans: dict[tuple[bytes, bool], Plan] = remembered(1_000)

    async def listed(scope: Scope, receive: Receive, caller: Caller) -> QuickAnswer | None:
        for name, value in scope["headers"]:
            if name == b"accept" and value not in (b"*/*", b"application/json"):
                return None
        key = (scope["query_string"], len(caller.tenant_ids) == 1)
        plan = plans.get(key)
        if plan is None:
            asked = _parsed(resource.query, scope["query_string"])
            if asked is None:
                return None
            try:
                plan = plans[key] = resource.listing.plan(asked, is_one=key[1])  # type: ignore[arg-type]
            except Problem:
                return None
        page = await resource.listing.show(Reads(scope["app"].state.database, caller), plan)
        return QuickAnswer(200, success(page.rows, page.meta))

    shorten(router, resource.reading, listed)


def _parsed(model: type[BaseModel], query: bytes) -> BaseModel | None:
    """The parameters, if each is known and was sent once."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query))
        values = dict(pairs)
        if len(values) != len(pairs) or not values.keys() <= model.model_fields.keys():
            return None
        return model.model_validate(values)
    except (ValueError, ValidationError):
        return None
