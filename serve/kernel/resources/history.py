"""What happened to one row: its events, the personal values readable for who may read the row."""

# No postponed annotations: they name the models of one resource, which no type checker can follow.
# mypy: disable-error-code="valid-type, attr-defined, arg-type, call-overload"

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.events import note_read
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.schemas import Change
from serve.kernel.resources.words import Id, plain, reading

HISTORY = """
    select e.id as event_id, e.name, e.happened_at, e.actor_kind, e.actor_id, m.full_name as actor_name,
        e.request_id, e.before, e.after
    from events e
    left join (select distinct user_id, full_name from tenant_members()) m on m.user_id = e.actor_id
    where e.entity_type = $1 and e.entity_id = $2 and e.category = 'change'
    order by e.position desc
    limit $3 offset $4
"""
TOTAL = (
    "select count(*) as total from events where entity_type = $1 and entity_id = $2 and category = 'change'"
)


async def history_of(
    db: Transaction, resource: Resource, row_id: UUID, window: tuple[int, int]
) -> tuple[list[dict[str, Any]], int]:
    """(a page of what happened to a row, how many events there are); who reads personal values is noted.

    Raises NotFound.
    """
    key = "person_key" if resource.personal else "null::bytea"
    found = await db.fetch_one(
        f"select {key} as person_key from {resource.name} t where t.id = $1{resource.and_seen(2)}",
        *(row_id, *resource.seen_by(db.caller)),
    )
    if found is None:
        raise resource.NotFound
    limit, offset = window
    records = [dict(row) for row in await db.fetch(HISTORY, resource.entity, row_id, limit, offset)]
    for record in records:
        for side in ("before", "after"):
            if record[side]:
                record[side] = db.vault.open_values(found["person_key"], record[side])
    total = await db.fetch_one(TOTAL, resource.entity, row_id)
    assert total is not None
    if resource.personal:
        await note_read(db, f"{resource.entity}.history_read", resource.entity, row_id, {})
    return records, total["total"]


def add_calls(router: APIRouter, resource: Resource) -> None:
    if "history" not in resource.calls:
        return
    entity = resource.entity.replace("_", " ")

    @router.get(
        "/{id}/history",
        response_model=Success[list[Change], PageMeta],
        dependencies=[reading(resource)],
        responses=problems(resource.NotFound, DatabaseUnavailable),
        description=f"What happened to the {entity}, newest first; also after it was deleted.",
        name=f"{resource.name}.history",
    )
    async def history(id: Id, asked: Annotated[Paged, Query()], db: TenantDb) -> Response:
        window = asked.window()
        changes, total = await history_of(db, resource, id, window)
        return plain(changes, page_meta(window, total))
