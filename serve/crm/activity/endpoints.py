"""What happened with an account or a contact, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.crm.accounts.endpoints import accounts
from serve.crm.activity import service
from serve.crm.activity.schemas import ActivityAsked, ActivityEntry, ActivityMeta
from serve.crm.contacts.endpoints import contacts
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Success
from serve.kernel.errors import problems
from serve.kernel.resources.words import Id, plain, reading
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1", tags=["activity"])


@router.get(
    "/accounts/{id}/activity",
    response_model=Success[list[ActivityEntry], ActivityMeta],
    dependencies=[reading(accounts)],
    responses=problems(accounts.NotFound, DatabaseUnavailable),
    name="accounts.activity",
)
async def of_account(id: Id, asked: Annotated[ActivityAsked, Query()], db: TenantDb) -> Response:
    """What happened with the account and its contacts, leads, tickets, quotes, invoices, payments, calls and notes.

    The newest comes first. You see what you may read; `meta.left_out` names the rest. Ask on with `cursor`. Rows that
    a load brought in have no events, and neither have jobs yet.
    """
    await accounts.get(db, id)
    return plain(*await service.activity(db, "account", id, asked))


@router.get(
    "/contacts/{id}/activity",
    response_model=Success[list[ActivityEntry], ActivityMeta],
    dependencies=[reading(contacts)],
    responses=problems(contacts.NotFound, DatabaseUnavailable),
    name="contacts.activity",
)
async def of_contact(id: Id, asked: Annotated[ActivityAsked, Query()], db: TenantDb) -> Response:
    """What happened with the contact, and with leads, tickets, quotes, calls, notes and reviews of it, newest first.

    You see what you may read; `meta.left_out` names the rest. Ask on with `cursor`.
    """
    await contacts.get(db, id)
    return plain(*await service.activity(db, "contact", id, asked))
