"""The vocabulary over HTTP, and the tags of the rows of any resource that has some."""

# No postponed annotations: FastAPI reads those of endpoints that are made here for one resource each.

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from serve.crm.tags import store
from serve.crm.tags.errors import TagNotOnRow, TooManyTags
from serve.crm.tags.schemas import RowTag, TagChoice, TagsApplied
from serve.crm.tags.store import tags, with_tags
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import Problem, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources import Resource
from serve.kernel.resources.batches import Outcome
from serve.kernel.resources.bulk import run
from serve.kernel.resources.schemas import BulkResult
from serve.kernel.resources.words import BODY, Id, plain, reading, writing
from serve.kernel.risk import acts
from serve.kernel.routing import also

router = tags.router()
further = [
    also(router, name, address)
    for name, address in (
        ("tags.list", "GET /api/v1/contact-tags"),
        ("tags.create", "POST /api/v1/contact-tags"),
        ("tags.get", "GET /api/v1/contact-tags/{id}"),
        ("tags.patch", "PATCH /api/v1/contact-tags/{id}"),
        ("tags.delete", "DELETE /api/v1/contact-tags/{id}"),
    )
]
TagId = Annotated[UUID, Path(description="Id of the tag.")]
REPEATED = (StillRunning, KeyOfAnotherRequest)


def add_tags(router: APIRouter, resource: Resource, *kinds: type[Problem]) -> None:
    """The calls about the tags of a resource's rows; its table has a column ``tags``.

    ``kinds`` are failures of its own when a row changes.
    """
    entity, many = resource.entity, resource.name

    @router.get(
        "/{id}/tags",
        response_model=Success[list[RowTag], Meta],
        dependencies=[reading(resource)],
        responses=problems(resource.NotFound, DatabaseUnavailable),
        description=f"The tags of the {entity}, in the order in which they were put on it.",
        name=f"{many}.tags",
    )
    async def tags_of(id: Id, db: TenantDb) -> Response:
        row = await resource.get(db, id)
        return plain(await store.named(db, row["tags"]))

    @router.post(
        "/{id}/tags",
        response_model=Success[list[RowTag], Meta],
        dependencies=[writing(resource)],
        responses=problems(*BODY, resource.NotFound, TooManyTags, *kinds, *REPEATED),
        description=f"Put a tag on the {entity}; the answer is all of its tags.",
        name=f"{many}.tag",
    )
    async def tag(id: Id, choice: TagChoice, db: TenantDb) -> Response:
        name = await store.chosen(db, choice)
        row = await resource.get(db, id, lock=True)
        row = await resource.change(db, row, tags=with_tags(row, [name]), event=f"{entity}.tagged")
        return plain(await store.named(db, row["tags"]))

    @router.delete(
        "/{id}/tags/{tag_id}",
        response_model=Success[list[RowTag], Meta],
        dependencies=[writing(resource)],
        responses=problems(resource.NotFound, TagNotOnRow, *kinds, DatabaseUnavailable),
        description=f"Take a tag off the {entity}; the answer is the tags that are left.",
        name=f"{many}.untag",
    )
    async def untag(id: Id, tag_id: TagId, db: TenantDb) -> Response:
        row = await resource.get(db, id, lock=True)
        row = await store.untag(db, resource, row, tag_id)
        return plain(await store.named(db, row["tags"]))

    @router.post(
        "/bulk-tag",
        response_model=Success[BulkResult, Meta],
        dependencies=[writing(resource)],
        responses={
            207: {"model": Success[BulkResult, Meta], "description": "Some rows failed."},
            **problems(*BODY, *REPEATED),
        },
        description=f"Put tags on many {many} and take others off; each row fails for itself.",
        name=f"{many}.bulk_tag",
        **acts(risk="risky"),
    )
    async def bulk_tag(asked: TagsApplied, db: TenantDb) -> Response:
        async def each(row_id: UUID) -> Outcome:
            before = await resource.get(db, row_id, lock=True)
            changed = with_tags(before, asked.add, asked.remove)
            verb = "tagged" if len(changed) >= len(before["tags"]) else "untagged"
            after = await resource.change(db, before, tags=changed, event=f"{entity}.{verb}")
            return ("unchanged" if after is before else "updated"), after["id"]

        return await run(db, asked.ids, each, dry_run=False)
