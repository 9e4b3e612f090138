"""Roles over HTTP: the tenant's own, and a catalogue of what they can be made of."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated

from fastapi import Depends, Request, Response

from serve.identity.roles import service
from serve.identity.roles.catalogue import MEANING
from serve.identity.roles.models import roles as table
from serve.identity.roles.rules import BuiltInRole, MoreThanYours, RoleInUse, check_given, check_role
from serve.identity.roles.schemas import RoleCatalogue, RoleChange, RoleFields
from serve.kernel.caller import PROOF, Caller, Needs, NeedsRecent
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources import Resource
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import Deleted, RowMeta
from serve.kernel.resources.store import check_version
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain

roles = Resource(
    table, fields=RoleFields, rule=check_role, calls=("list", "get", "history", "stats", "export")
)
router = roles.router(tags=["roles"])

Reader = Annotated[Caller, Depends(Needs("roles:read"))]
Writer = Annotated[Caller, Depends(NeedsRecent("roles:write"))]


@router.get(
    "/catalogue",
    response_model=Success[RoleCatalogue, Meta],
    responses=problems(DatabaseUnavailable),
    name="roles.catalogue",
)
async def catalogue(caller: Reader, db: TenantDb) -> Response:
    """Every permission with its meaning and the roles that have it, and the roles that every tenant has."""
    having = await service.roles_by_permission(db)
    permissions = [
        {"name": name, "meaning": meaning, "roles": having.get(name, [])} for name, meaning in MEANING.items()
    ]
    return plain({"permissions": permissions, "built_in": service.built_in()})


@router.post(
    "",
    status_code=201,
    response_model=Success[roles.read_model, RowMeta],
    responses=problems(
        *BODY, Duplicate, BuiltInRole, MoreThanYours, *PROOF, StillRunning, KeyOfAnotherRequest
    ),
    name="roles.create",
)
async def create(written: RoleFields, caller: Writer, db: TenantDb) -> Response:
    """A role of the tenant's own, of permissions that you have yourself."""
    values = roles.settled(None, values_of(written, sent_only=False))
    check_given(caller.permissions, written.permissions)
    row = await roles.insert(db, values)
    return one(row, status=201, headers={"Location": f"{roles.path}/{row['id']}"})


@router.put(
    "/{id}",
    response_model=Success[roles.read_model, RowMeta],
    responses=problems(*BODY, roles.NotFound, Duplicate, LostUpdate, BuiltInRole, MoreThanYours, *PROOF),
    name="roles.replace",
)
async def replace(
    request: Request, id: Id, written: RoleChange, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Change what a role allows, if you have all that it allows, before and then.

    Whoever has it may do so, and no more, from this moment on.
    """
    row = await roles.get(db, id, lock=True)
    check_version(if_match, row)
    check_given(caller.permissions, row["permissions"])
    values = roles.settled(row, values_of(written, sent_only=False))
    check_given(caller.permissions, written.permissions)
    db.afterwards.append(request.app.state.revocations.look)
    return one(await roles.update(db, row, values))


@router.delete(
    "/{id}",
    response_model=Success[Deleted, Meta],
    responses=problems(roles.NotFound, LostUpdate, RoleInUse, MoreThanYours, DatabaseUnavailable, *PROOF),
    name="roles.delete",
)
async def delete(
    request: Request, id: Id, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Remove a role that nobody has, if you have all that it allows."""
    row = await roles.get(db, id, lock=True)
    check_version(if_match, row)
    check_given(caller.permissions, row["permissions"])
    await service.check_unused(db, row["slug"])
    db.afterwards.append(request.app.state.revocations.look)
    return plain(dict(await roles.delete(db, id)))


@router.post(
    "/{id}/restore",
    response_model=Success[roles.read_model, RowMeta],
    responses=problems(
        roles.NotFound,
        Duplicate,
        MoreThanYours,
        DatabaseUnavailable,
        *PROOF,
        StillRunning,
        KeyOfAnotherRequest,
    ),
    name="roles.restore",
)
async def restore(id: Id, caller: Writer, db: TenantDb) -> Response:
    """Bring a deleted role back, if you have all that it allows."""
    row = await roles.restore(db, id)
    check_given(caller.permissions, row["permissions"])
    return one(row)
