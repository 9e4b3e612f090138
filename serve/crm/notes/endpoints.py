"""Notes of the rows of any resource that has some."""

# No postponed annotations: FastAPI reads those of endpoints that are made here for one resource each.

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from serve.crm.notes import store
from serve.crm.notes.schemas import NoteFields, NoteRead
from serve.crm.notes.store import notes
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources import Resource
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.history import history_of
from serve.kernel.resources.schemas import Change, Deleted, RowMeta
from serve.kernel.resources.store import check_version
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain, reading, writing

NoteId = Annotated[UUID, Path(description="Id of the note.")]


def add_notes(router: APIRouter, resource: Resource) -> None:
    """The calls about the notes of a resource's rows; ``notes`` has a column with their id."""
    entity, many = resource.entity, resource.name
    column = f"{entity}_id"

    @router.get(
        "/{id}/notes",
        response_model=Success[list[NoteRead], PageMeta],
        dependencies=[reading(resource)],
        responses=problems(resource.NotFound, DatabaseUnavailable),
        description=f"The notes on the {entity}: pinned ones first, then the newest."
        + (" Those of the leads that became the contact are among them." if entity == "contact" else ""),
        name=f"{many}.notes",
    )
    async def notes_of(id: Id, asked: Annotated[Paged, Query()], db: TenantDb) -> Response:
        await resource.get(db, id)
        window = asked.window()
        rows, total = await store.of_row(db, column, id, window)
        return plain(rows, page_meta(window, total))

    @router.post(
        "/{id}/notes",
        status_code=201,
        response_model=Success[NoteRead, RowMeta],
        dependencies=[writing(resource)],
        responses=problems(*BODY, resource.NotFound, StillRunning, KeyOfAnotherRequest),
        description=f"Write a note on the {entity}.",
        name=f"{many}.add_note",
    )
    async def add_note(id: Id, written: NoteFields, db: TenantDb) -> Response:
        await resource.get(db, id, lock=True)
        values = {**written.model_dump(), column: id, "user_id": db.caller.user_id}
        note = await notes.insert(db, values)
        return one(note, status=201, headers={"Location": f"{resource.path}/{id}/notes/{note['id']}"})

    @router.get(
        "/{id}/notes/{note_id}",
        response_model=Success[NoteRead, RowMeta],
        dependencies=[reading(resource)],
        responses=problems(resource.NotFound, notes.NotFound, DatabaseUnavailable),
        description=f"One note on the {entity}. The ETag names its version.",
        name=f"{many}.note",
    )
    async def note(id: Id, note_id: NoteId, db: TenantDb) -> Response:
        await resource.get(db, id)
        return one(await store.one_of_row(db, column, id, note_id))

    @router.put(
        "/{id}/notes/{note_id}",
        response_model=Success[NoteRead, RowMeta],
        dependencies=[writing(resource)],
        responses=problems(*BODY, resource.NotFound, notes.NotFound, LostUpdate),
        description="Change a note; its history keeps what it said. `If-Match` prevents lost updates.",
        name=f"{many}.edit_note",
    )
    async def edit_note(
        id: Id, note_id: NoteId, written: NoteFields, db: TenantDb, if_match: IfMatch = None
    ) -> Response:
        await resource.get(db, id)
        before = await store.one_of_row(db, column, id, note_id, lock=True)
        check_version(if_match, before)
        return one(await notes.update(db, before, written.model_dump()))

    @router.delete(
        "/{id}/notes/{note_id}",
        response_model=Success[Deleted, Meta],
        dependencies=[writing(resource)],
        responses=problems(resource.NotFound, notes.NotFound, DatabaseUnavailable),
        description="Take a note away; its history stays.",
        name=f"{many}.remove_note",
    )
    async def remove_note(id: Id, note_id: NoteId, db: TenantDb) -> Response:
        await resource.get(db, id)
        await store.one_of_row(db, column, id, note_id, lock=True)
        return plain(dict(await notes.delete(db, note_id)))

    @router.get(
        "/{id}/notes/{note_id}/history",
        response_model=Success[list[Change], PageMeta],
        dependencies=[reading(resource)],
        responses=problems(resource.NotFound, notes.NotFound, DatabaseUnavailable),
        description="Who wrote and changed a note, and what it said before, newest first.",
        name=f"{many}.note_history",
    )
    async def note_history(
        id: Id, note_id: NoteId, asked: Annotated[Paged, Query()], db: TenantDb
    ) -> Response:
        await resource.get(db, id)
        await store.is_of_row(db, column, id, note_id)
        window = asked.window()
        changes, total = await history_of(db, notes, note_id, window)
        return plain(changes, page_meta(window, total))
