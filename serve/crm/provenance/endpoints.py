"""Where what is known of somebody comes from, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Response

from serve.crm.accounts.endpoints import accounts
from serve.crm.contacts.endpoints import contacts
from serve.crm.leads.store import leads
from serve.crm.provenance import service
from serve.crm.provenance.origins import Entity
from serve.crm.provenance.schemas import Provenance
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources import Resource
from serve.kernel.resources.words import Id, plain, reading
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1", tags=["provenance"])


def _add(router: APIRouter, resource: Resource, entity: Entity) -> None:
    @router.get(
        f"/{resource.name}/{{id}}/provenance",
        response_model=Success[Provenance, Meta],
        dependencies=[reading(resource)],
        responses=problems(resource.NotFound, DatabaseUnavailable),
        description=f"Where each value of the {entity} comes from: who or what set it and when, by way of which merged"
        " or converted rows; for an address or a number also how it stands with consents. Undoing a merge or an import"
        " gives the origins back with the values.",
        name=f"{resource.name}.provenance",
    )
    async def provenance(id: Id, db: TenantDb) -> Response:
        return plain(await service.provenance(db, entity, id, await resource.get(db, id)))


for _resource, _entity in ((contacts, "contact"), (leads, "lead"), (accounts, "account")):
    _add(router, _resource, _entity)  # type: ignore[arg-type]
