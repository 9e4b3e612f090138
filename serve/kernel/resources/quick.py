"""The short ways of a resource's most frequent calls: one row, a list, a create."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.types import Scope

from serve.kernel.caller import Caller
from serve.kernel.db import Database, Reads
from serve.kernel.envelope import around
from serve.kernel.errors import Problem
from serve.kernel.idempotency import Claim, Kept, Shown
from serve.kernel.memory import remembered
from serve.kernel.quick import Held, QuickAnswer, id_in, shorten
from serve.kernel.resources.creation import Creation
from serve.kernel.resources.listing import Plan

if TYPE_CHECKING:
    from serve.kernel.resources.declaration import Resource


def shorten_get(router: APIRouter, resource: Resource) -> None:
    async def get(scope: Scope, held: Held, caller: Caller) -> QuickAnswer | None:
        row_id = id_in(scope)
        if row_id is None or scope["query_string"]:
            return None
        row = await resource.show(Reads(scope["app"].state.database, caller), row_id)
        return QuickAnswer(200, around(row.data, {}), ((b"etag", row.etag.encode()),))

    shorten(router, resource.reading, get)


def shorten_list(router: APIRouter, resource: Resource) -> None:
    plans: dict[tuple[bytes, bool], Plan] = remembered(1_000)

    async def listed(scope: Scope, held: Held, caller: Caller) -> QuickAnswer | None:
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
        return QuickAnswer(200, around(page.data, page.meta))

    shorten(router, resource.reading, listed)


def shorten_create(router: APIRouter, resource: Resource) -> None:
    creation = Creation(resource)

    def show(row: Shown) -> Kept:
        headers = {**_USUAL, "etag": row.etag, "location": f"{resource.path}/{orjson.loads(row.data)['id']}"}
        return Kept(201, headers, around(row.data, {}))

    async def create(scope: Scope, held: Held, caller: Caller) -> QuickAnswer | None:
        sent = dict(scope["headers"])
        if scope["query_string"] or sent.get(b"content-type") != b"application/json":
            return None
        body = await held.body()
        try:
            written = resource.fields.model_validate_json(body or b"")
        except ValidationError:
            return None
        key = sent.get(b"idempotency-key")
        claim = None if key is None else Claim.of(scope, caller, key.decode("latin-1"), body or b"")
        database: Database = scope["app"].state.database
        if claim is not None and resource.beside is not None:
            return None  # what was said beside the row is kept with the answer
        try:
            values = resource.settled(None, written.model_dump())
            row = await creation.run(database, caller, scope["state"]["request_id"], values, claim)
            told = show(row)
        except Problem as problem:
            if claim is None:
                raise
            told = await creation.repeated(database, caller, claim, show, problem)
        headers = {name: value for name, value in told.headers.items() if name not in _USUAL}
        if resource.beside is not None:
            meta = await _beside(resource, Reads(database, caller), values, orjson.loads(row.data)["id"])
            return QuickAnswer(told.status, around(row.data, meta), raw(headers))
        return QuickAnswer(told.status, told.body, raw(headers))

    shorten(router, resource.writing, create).show = show


async def _beside(resource: Resource, db: Reads, values: Mapping[str, Any], row_id: str) -> dict[str, Any]:
    """The row is there already: what cannot be looked up now is not said, and nothing has failed."""
    assert resource.beside is not None
    try:
        return await resource.beside(db, values, row_id)
    except Problem:
        return {}


def raw(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


_USUAL = {"content-type": "application/json", "cache-control": "private, no-cache"}


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
