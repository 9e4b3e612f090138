"""Segments over HTTP, and who is in one."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Response

from serve.crm.leads.schemas import LeadRead
from serve.crm.segments.models import segments as table
from serve.crm.segments.rules import RESOURCES, check_segment
from serve.crm.segments.schemas import Members, SegmentFields, SegmentRead, SegmentSize
from serve.kernel.db import DatabaseUnavailable, ReadDb, Reads
from serve.kernel.envelope import Meta, Success, around
from serve.kernel.errors import Forbidden, problems
from serve.kernel.resources import Resource
from serve.kernel.resources.advanced import Conditional
from serve.kernel.resources.conditions import CONDITION
from serve.kernel.resources.declaration import CALLS
from serve.kernel.resources.schemas import ListMeta
from serve.kernel.resources.words import Id, plain, raw, reading

# A cell of a file holds no conditions.
CALLS_OF_SEGMENTS = frozenset(CALLS) - {"import"}
segments = Resource(
    table, fields=SegmentFields, read=SegmentRead, rule=check_segment, calls=CALLS_OF_SEGMENTS
)
router = segments.router()
Contact, Account = (RESOURCES[name].read_model for name in ("contacts", "accounts"))


async def _asked(db: Reads, segment_id: Any, **paging: Any) -> tuple[Resource, Conditional]:
    """The resource of a segment and the question for its rows. Raises NotFound, or Forbidden to who may not read it."""
    segment = orjson.loads((await segments.show(db, segment_id)).data)
    resource = RESOURCES[segment["resource"]]
    if resource.reading not in db.caller.permissions:
        raise Forbidden(f"Seeing who is in it takes the permission {resource.reading}.")
    return resource, Conditional(where=CONDITION.validate_python(segment["conditions"]), **paging)


@router.get(
    "/{id}/members",
    response_model=Success[list[LeadRead | Contact | Account], ListMeta],  # type: ignore[valid-type]
    dependencies=[reading(segments)],
    responses=problems(segments.NotFound, DatabaseUnavailable),
    name="segments.members",
)
async def members(id: Id, asked: Annotated[Members, Query()], db: ReadDb) -> Response:
    """Who is in a segment now: rows as the list of its resource shows them, which takes the permission to read them."""
    resource, question = await _asked(db, id, **asked.model_dump(exclude_none=True))
    listed = await resource.listing.page(db, question)
    return raw(around(listed.data, listed.meta))


@router.get(
    "/{id}/count",
    response_model=Success[SegmentSize, Meta],
    dependencies=[reading(segments)],
    responses=problems(segments.NotFound, DatabaseUnavailable),
    name="segments.count",
)
async def count(id: Id, db: ReadDb) -> Response:
    """How many are in a segment now, exactly."""
    resource, question = await _asked(db, id, limit=1, count="exact")
    listed = await resource.listing.page(db, question)
    return plain({"count": listed.meta["total"]})
