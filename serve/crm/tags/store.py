"""The vocabulary, and what becomes of the rows when a tag gets another name or goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from serve.crm.tags.errors import TagNotOnRow, TooManyTags
from serve.crm.tags.models import tags as table
from serve.crm.tags.schemas import MOST_TAGS, TagChoice, TagFields
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Resource, Row
from serve.kernel.tasks import Work, enqueue, task

TAGGED = ("contacts", "leads", "accounts", "tickets")
"""Tables whose rows have tags; ``keep_tags`` of the database keeps the vocabulary."""
for _entity in ("contact", "lead", "account", "ticket"):
    event(f"{_entity}.tagged", f"A tag was put on the {_entity}: `after` has all of them.")
    event(f"{_entity}.untagged", f"A tag was taken off the {_entity}: `after` has those that are left.")

MOST_AT_ONCE, BATCH = 2_000, 500
SPREAD = "tags.spread"


class Tags(Resource):
    async def update(
        self, db: Transaction, before: Row, changes: Mapping[str, Any], *, event: str = ""
    ) -> Row:
        """Another name stands on every row that has the tag: at once, or by a task where that would take long."""
        after = await super().update(db, before, changes, event=event)
        if after["name"] != before["name"]:
            await _spread(db, before["name"], after["name"])
        return after

    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        """It is on no row any more. Raises NotFound."""
        tag = await self.get(db, row_id, lock=True)
        gone = await super().delete(db, row_id)
        await _spread(db, tag["name"], None)
        return gone


tags = Tags(
    table,
    fields=TagFields,
    permission="contacts",
    calls=("list", "get", "create", "replace", "patch", "delete", "history", "export", "import"),
)


async def _spread(db: Transaction, old: str, new: str | None) -> None:
    asked = " union all ".join(f"(select 1 from {name} where tags @> array[$1] limit $2)" for name in TAGGED)
    found = await db.fetch_one(f"select count(*) as n from ({asked}) r", old, MOST_AT_ONCE + 1)
    assert found is not None
    if found["n"] > MOST_AT_ONCE:
        title = f"Tag {old} becomes {new}" if new else f"Tag {old} goes"
        await enqueue(db, SPREAD, {"old": old, "new": new}, title=title)
        return
    for name in TAGGED:
        await _replace(db, name, old, new, MOST_AT_ONCE)


async def _replace(db: Transaction, name: str, old: str, new: str | None, most: int) -> int:
    """In up to ``most`` rows of a table; how many there were."""
    becomes = "array_remove(tags, $1)" if new is None else "array_replace(tags, $1, $4)"
    rows = await db.fetch(
        f"update {name} set tags = {becomes} where id in"
        f" (select id from {name} where tags @> array[$1] and tenant_id = $3 order by id limit $2 for no key update)"
        " returning id",
        *(old, most, db.caller.tenant_id, *([] if new is None else [new])),
    )
    return len(rows)


@task(SPREAD, queue="default")
async def spread(work: Work) -> None:
    """Write another name on every row that has the tag, or take it off, some hundred rows at a time."""
    old, new = work.params["old"], work.params["new"]
    for name in TAGGED:
        number = 0
        while await work.step(f"{name} {number}", lambda db, name=name: _replace(db, name, old, new, BATCH)):
            number += 1


def with_tags(row: Mapping[str, Any], added: Iterable[str], removed: Iterable[str] = ()) -> list[str]:
    """The tags of a row after a change. Raises TooManyTags."""
    gone = {name.lower() for name in removed}
    kept = [name for name in row["tags"] if name.lower() not in gone]
    known = {name.lower() for name in kept}
    for name in added:
        if name.lower() not in known:
            known.add(name.lower())
            kept.append(name)
    if len(kept) > MOST_TAGS:
        raise TooManyTags
    return kept


async def named(db: Transaction, names: Sequence[str]) -> list[dict[str, Any]]:
    """The tags of these names, in this order."""
    found = await db.fetch(
        "select id, name, color from tags where name = any($1::text[]) and deleted_at is null"
        " and tenant_id = $2 order by array_position($1::text[], name)",
        *(list(names), db.caller.tenant_id),
    )
    return [dict(row) for row in found]


async def chosen(db: Transaction, choice: TagChoice) -> str:
    """The name of the tag that a client means. Raises Invalid."""
    if (choice.tag_id is None) == (choice.name is None):
        raise Invalid(details=[("tag_id", "say either the id of a tag or its name")])
    if choice.name is not None:
        return choice.name
    assert choice.tag_id is not None
    try:
        tag = await tags.get(db, choice.tag_id)
    except tags.NotFound as error:
        raise Invalid(details=[("tag_id", "names nothing that exists")]) from error
    name: str = tag["name"]
    return name


async def untag(db: Transaction, resource: Resource, row: Row, tag_id: UUID) -> Row:
    """Raises TagNotOnRow."""
    try:
        tag = await tags.get(db, tag_id)
    except tags.NotFound as error:
        raise TagNotOnRow from error
    if tag["name"] not in row["tags"]:
        raise TagNotOnRow
    left = with_tags(row, (), [tag["name"]])
    return await resource.change(db, row, tags=left, event=f"{resource.entity}.untagged")
