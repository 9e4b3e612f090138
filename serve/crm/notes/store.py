"""Notes of a row: written, changed, taken away; each with its history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.crm.notes.models import notes as table
from serve.crm.notes.schemas import NoteFields, NoteRead
from serve.kernel.db import Transaction
from serve.kernel.resources import Resource, Row

notes = Resource(table, fields=NoteFields, read=NoteRead, calls=())

_LIST = """
    select {selected}, count(*) over () as total from notes t
    where {about} and t.deleted_at is null
    order by t.is_pinned desc, t.created_at desc, t.id desc limit {limit} offset {offset}
"""
_OF_CONTACT = """
    (t.contact_id = $1 or t.lead_id in (select l.id from leads l where l.contact_id = $1 and l.deleted_at is null))
"""
"""What was written while a contact was a lead stands there, and is shown here too."""
_IS_OF = "select from notes where id = $1 and {column} = $2"


async def of_row(
    db: Transaction, column: str, row_id: UUID, window: tuple[int, int]
) -> tuple[list[dict[str, Any]], int]:
    """(a page of the notes of a row, how many there are): pinned ones first, then the newest."""
    limit, offset = window
    about = f"t.{column} = $1"
    if column == "contact_id" and "leads:read" in db.caller.permissions:
        about = _OF_CONTACT
    sql = _LIST.format(selected=notes.selected, about=about, limit=limit, offset=offset)
    found = [Row(record) for record in await db.fetch(sql, row_id)]
    totals = [row.pop("total") for row in found]
    if not found and offset:
        (counted,) = await db.fetch(
            f"select count(*) as n from notes t where {about} and t.deleted_at is null", row_id
        )
        return [], counted["n"]
    return [dict(row) for row in found], totals[0] if totals else 0


async def is_of_row(db: Transaction, column: str, row_id: UUID, note_id: UUID) -> None:
    """Whether the note is there or was taken away. Raises NoteNotFound when there never was one on this row."""
    if await db.fetch_one(_IS_OF.format(column=column), note_id, row_id) is None:
        raise notes.NotFound


async def one_of_row(db: Transaction, column: str, row_id: UUID, note_id: UUID, *, lock: bool = False) -> Row:
    """Raises NoteNotFound when there is none of that id on this row."""
    await is_of_row(db, column, row_id, note_id)
    return await notes.get(db, note_id, lock=lock)
