"""Notifications over HTTP: one's own, in the words of all four products, and telling people something."""

from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.resources.words import BODY, Id, plain
from serve.kernel.routing import area_router
from serve.platform.notifications import service
from serve.platform.notifications.schemas import (
    Cleared,
    Marked,
    NotificationFields,
    NotificationFlag,
    NotificationQuery,
    NotificationRead,
    NotificationsMeta,
    Removed,
    Sent,
    Unread,
)
from serve.platform.notifications.service import NotificationNotFound

router = area_router(prefix="/api/v1/notifications", tags=["notifications"], route_class=RepeatableRoute)

READING = [Depends(Needs("self:read"))]
WRITING = [Depends(Needs("self:write"))]
REPEATED = (StillRunning, KeyOfAnotherRequest)


class ClearQuery(BaseModel):
    only_read: bool = Field(False, description="Leave the unread ones.")


@router.get(
    "",
    response_model=Success[list[NotificationRead], NotificationsMeta],
    dependencies=READING,
    responses=problems(DatabaseUnavailable),
    name="notifications.list",
)
async def list_notifications(asked: Annotated[NotificationQuery, Query()], db: TenantDb) -> Response:
    """The caller's own notifications, the newest first."""
    return plain(*await service.page(db, asked))


@router.post(
    "",
    status_code=201,
    response_model=Success[Sent, Meta],
    dependencies=[Depends(Needs("notifications:write"))],
    responses=problems(*BODY, *REPEATED),
    name="notifications.send",
)
async def send_notification(message: NotificationFields, db: TenantDb) -> Response:
    """Tell people of the tenant something, by id or role, or remind oneself.

    A person's message always arrives, whatever the recipients have muted.
    """
    return plain(await service.send(db, message), status=201)


@router.get(
    "/unread",
    response_model=Success[Unread, Meta],
    dependencies=READING,
    responses=problems(DatabaseUnavailable),
    name="notifications.unread",
)
async def count_unread(db: TenantDb) -> Response:
    """How many of the caller's notifications are unread, in all and of each kind."""
    return plain(await service.unread(db))


async def mark_all_read(db: TenantDb) -> Response:
    return plain({"updated": await service.mark_all(db)})


@router.delete(
    "/clear-all",
    response_model=Success[Cleared, Meta],
    dependencies=WRITING,
    responses=problems(DatabaseUnavailable),
    name="notifications.clear",
)
async def clear_notifications(asked: Annotated[ClearQuery, Query()], db: TenantDb) -> Response:
    """Delete all of the caller's notifications, or only those that are read."""
    return plain({"deleted": await service.clear(db, only_read=asked.only_read)})


async def mark_read(id: Id, db: TenantDb) -> Response:
    return plain(await service.mark(db, id, is_read=True))


def _in_every_verb(
    path: str, verbs: tuple[str, ...], endpoint: Any, answer: Any, about: str, *fails: Any
) -> None:
    """One call under the verbs that the products use for it; the first is ours, the others say so."""
    for verb in verbs:
        alias = "" if verb == verbs[0] else f"\n\nThe same as `{verbs[0]} {router.prefix}{path}`."
        router.add_api_route(
            path,
            endpoint,
            methods=[verb],
            response_model=answer,
            dependencies=WRITING,
            responses=problems(DatabaseUnavailable, *fails, *(REPEATED if verb != "PUT" else ())),
            description=about + alias,
        )


_in_every_verb(
    "/read-all",
    ("PATCH", "PUT", "POST"),
    mark_all_read,
    Success[Marked, Meta],
    "Mark all of the caller's notifications as read.",
)
_in_every_verb(
    "/{id}/read",
    ("PATCH", "PUT"),
    mark_read,
    Success[NotificationRead, Meta],
    "Mark one notification as read.",
    NotificationNotFound,
)


@router.get(
    "/{id}",
    response_model=Success[NotificationRead, Meta],
    dependencies=READING,
    responses=problems(NotificationNotFound, DatabaseUnavailable),
    name="notifications.get",
)
async def get_notification(id: Id, db: TenantDb) -> Response:
    """One of the caller's notifications; a colleague's is not there."""
    return plain(await service.get(db, id))


@router.patch(
    "/{id}",
    response_model=Success[NotificationRead, Meta],
    dependencies=WRITING,
    responses=problems(*BODY, NotificationNotFound, *REPEATED),
    name="notifications.patch",
)
async def flag_notification(id: Id, flag: NotificationFlag, db: TenantDb) -> Response:
    """Mark one notification as read or unread."""
    return plain(await service.mark(db, id, is_read=flag.is_read))


@router.delete(
    "/{id}",
    response_model=Success[Removed, Meta],
    dependencies=WRITING,
    responses=problems(NotificationNotFound, DatabaseUnavailable),
    name="notifications.delete",
)
async def delete_notification(id: Id, db: TenantDb) -> Response:
    """Delete one of the caller's notifications, for good."""
    return plain(await service.delete(db, id))
