"""Leads over HTTP: the calls of every resource, and what is done with one lead."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.crm.leads import converting, store
from serve.crm.leads.errors import (
    ConversionFinal,
    ConversionTouched,
    LeadConverted,
    LeadLost,
    NotConverted,
    StatusDoesNotFollow,
)
from serve.crm.leads.rules import NEEDS, NEXT
from serve.crm.leads.schemas import (
    Contacted,
    ContactMade,
    Conversion,
    ConversionRead,
    Converted,
    LeadRead,
    StatusChange,
    StatusLine,
    TimelineEntry,
)
from serve.crm.leads.store import leads
from serve.crm.notes.endpoints import add_notes
from serve.crm.people.endpoints import add_merge
from serve.crm.tags.endpoints import add_tags
from serve.kernel.db import DatabaseUnavailable, ReadDb, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources.advanced import add_advanced_filter
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.store import check_version
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain, reading, writing
from serve.kernel.routing import also

router = leads.router()
REPEATED = (StillRunning, KeyOfAnotherRequest)


@router.get(
    "/statuses",
    response_model=Success[list[StatusLine], Meta],
    dependencies=[reading(leads)],
    name="leads.statuses",
)
async def statuses(db: ReadDb) -> Response:
    """Every status of a lead, what may come after it, and which fields it needs."""
    return plain(
        [
            {"status": name, "next": list(after), "needs": list(NEEDS.get(name, ()))}
            for name, after in NEXT.items()
        ]
    )


@router.patch(
    "/{id}/status",
    response_model=Success[LeadRead, RowMeta],
    dependencies=[writing(leads)],
    responses=problems(*BODY, leads.NotFound, StatusDoesNotFollow, LostUpdate, *REPEATED),
    name="leads.set_status",
)
async def set_status(id: Id, asked: StatusChange, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Move a lead on. A lost one says why, a won one what it is worth; the moment is noted."""
    before = await leads.get(db, id, lock=True)
    check_version(if_match, before)
    return one(await store.set_status(db, before, asked))


@router.post(
    "/{id}/contact",
    status_code=201,
    response_model=Success[Contacted, RowMeta],
    dependencies=[writing(leads)],
    responses=problems(*BODY, leads.NotFound, StatusDoesNotFollow, *REPEATED),
    name="leads.contact",
)
async def contact(id: Id, made: ContactMade, db: TenantDb) -> Response:
    """Note that you have been in touch with a lead.

    The first answer stops the clock of the first reply, and a new lead is contacted from then on.
    """
    lead = await leads.get(db, id, lock=True)
    activity, lead = await store.log_contact(db, lead, made)
    return plain({"activity": activity, "lead": lead}, status=201)


@router.get(
    "/{id}/timeline",
    response_model=Success[list[TimelineEntry], PageMeta],
    dependencies=[reading(leads)],
    responses=problems(leads.NotFound, DatabaseUnavailable),
    name="leads.timeline",
)
async def timeline(id: Id, asked: Annotated[Paged, Query()], db: TenantDb) -> Response:
    """Everything that happened with a lead: changes, contacts, notes, calls with its contact, the newest first."""
    await leads.get(db, id)
    window = asked.window()
    entries, total = await store.timeline(db, id, window)
    return plain(entries, page_meta(window, total))


@router.post(
    "/{id}/convert",
    status_code=201,
    response_model=Success[Converted, Meta],
    dependencies=[writing(leads)],
    responses=problems(*BODY, leads.NotFound, LeadConverted, LeadLost, StatusDoesNotFollow, *REPEATED),
    name="leads.convert",
)
async def convert(id: Id, asked: Conversion, db: TenantDb) -> Response:
    """Make the lead a contact, and if asked an account, a job and a quote: all or nothing, and once.

    What is made needs its own permission. Tags are taken along; notes stay with the lead and are shown at the contact;
    rows that were there before stay as they are. It can be undone for a while (`settings/sales`).
    """
    conversion, lead = await converting.convert(db, id, asked)
    return plain({"conversion": conversion, "lead": lead}, status=201)


@router.get(
    "/{id}/conversion",
    response_model=Success[ConversionRead, Meta],
    dependencies=[reading(leads)],
    responses=problems(leads.NotFound, NotConverted, DatabaseUnavailable),
    name="leads.conversion",
)
async def conversion(id: Id, db: TenantDb) -> Response:
    """What a lead became, what of that was new, and until when it can be undone."""
    return plain(await converting.conversion_of(db, id))


@router.post(
    "/{id}/conversion/undo",
    response_model=Success[Converted, Meta],
    dependencies=[writing(leads)],
    responses=problems(*BODY, leads.NotFound, NotConverted, ConversionFinal, ConversionTouched, *REPEATED),
    name="leads.undo_conversion",
)
async def undo_conversion(id: Id, db: TenantDb) -> Response:
    """Undo the conversion: what it made is deleted, its job cancelled, and the lead is what it was.

    Refused once anything of it was worked with; the details name what.
    """
    conversion, lead = await converting.undo(db, id)
    return plain({"conversion": conversion, "lead": lead})


add_merge(router, leads, StatusDoesNotFollow)
add_advanced_filter(router, leads)
add_notes(router, leads)
add_tags(router, leads)

further = [
    also(router, name, *addresses.split(", "))
    for name, addresses in (
        ("leads.list", "GET /api/v1/crm/leads, GET /api/v1/leads/search"),
        ("leads.create", "POST /api/v1/crm/leads"),
        ("leads.bulk_create", "POST /api/v1/leads/batch"),
        ("leads.bulk_update", "PUT /api/v1/leads/batch-update"),
        ("leads.bulk_delete", "DELETE /api/v1/leads/batch-delete"),
        ("leads.import", "POST /api/v1/import/leads"),
        ("leads.export", "GET /api/v1/export/leads"),
        ("leads.add_note", "POST /api/v1/leads/{id}/note"),
        ("leads.edit_note", "PUT /api/v1/leads/{id}/note/{note_id}"),
        ("leads.remove_note", "DELETE /api/v1/leads/{id}/note/{note_id}"),
        ("leads.tag", "POST /api/v1/leads/{id}/tag"),
        ("leads.untag", "DELETE /api/v1/leads/{id}/tag/{tag_id}"),
    )
]
