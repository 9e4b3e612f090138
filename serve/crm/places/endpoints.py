"""Places over HTTP: the calls of every resource, what is near a point, and the leads of a place."""

# No postponed annotations: the models of a resource's calls are made while its routes are.

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from serve.crm.leads.store import leads
from serve.crm.places import geocoding, service
from serve.crm.places.schemas import Address, Geocoded, LeadOfLocation, LocationNear, Nearby, NearbyMeta
from serve.crm.places.service import locations
from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable, ReadDb, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import NotConfigured, OutsideFailed, OutsideSlow, problems
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources.words import BODY, Id, plain, reading
from serve.kernel.routing import also, area_router
from serve.ports.way import OutsideAddressRefused, OutsideRefused

router = locations.router()


@router.get(
    "/nearby",
    response_model=Success[list[LocationNear], NearbyMeta],
    dependencies=[reading(locations)],
    responses=problems(DatabaseUnavailable),
    name="locations.nearby",
)
async def nearby(asked: Annotated[Nearby, Query()], db: ReadDb) -> Response:
    """Places within a radius of a point, the nearest first. One without coordinates is near nothing."""
    rows, is_truncated = await service.nearby(db, asked)
    return plain(rows, {"limit": asked.limit, "is_truncated": is_truncated})


@router.get(
    "/{id}/leads",
    response_model=Success[list[LeadOfLocation], PageMeta],
    dependencies=[reading(locations), reading(leads)],
    responses=problems(locations.NotFound, DatabaseUnavailable),
    name="locations.leads",
)
async def leads_of(id: Id, asked: Annotated[Paged, Query()], db: TenantDb) -> Response:
    """Leads that lie within the place's radius, and those that somebody gave its id: the nearest first.

    A lead is within every radius that it lies in; `tie` says why it is here.
    """
    window = asked.window()
    rows, total = await service.leads_of(db, id, window)
    return plain(rows, page_meta(window, total))


# Not repeatable: it changes nothing, and what is asked outside is outside of any transaction.
geocoder = area_router(prefix="/api/v1/locations", tags=["locations"])


@geocoder.post(
    "/geocode",
    response_model=Success[Geocoded, Meta],
    dependencies=[reading(locations)],
    responses=problems(
        *(*BODY, NotConfigured, OutsideFailed, OutsideSlow, OutsideRefused, OutsideAddressRefused),
    ),
    name="locations.geocode",
)
async def geocode(
    asked: Address, request: Request, caller: Annotated[Caller, Depends(Needs("leads:read"))]
) -> Response:
    """Where an address lies: by your own places and leads, and by the geocoder of the settings where there is one.

    Nothing is written: take a candidate's coordinates over where they are right.
    """
    state = request.app.state
    return plain(await geocoding.geocode(state.database, state.ways, caller, asked))


further = [also(router, "locations.list", "GET /api/v1/locations/search")]
