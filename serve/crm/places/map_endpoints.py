"""Maps over HTTP."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made from the filters of leads.

from typing import Annotated

from fastapi import Depends, Request, Response

from serve.crm.leads.store import leads
from serve.crm.places import maps
from serve.crm.places.map_schemas import (
    Cluster,
    ClustersMeta,
    ClustersQuery,
    HeatCell,
    HeatMeta,
    HeatQuery,
    LeadFeatures,
    PointsMeta,
    PointsQuery,
)
from serve.kernel.asking import Asking
from serve.kernel.db import DatabaseUnavailable, ReadDb
from serve.kernel.envelope import Success, dumps
from serve.kernel.errors import NotAcceptable, problems
from serve.kernel.formats import best_of
from serve.kernel.resources.words import plain, reading
from serve.kernel.routing import area_router

GEOJSON = "application/geo+json"
_FORMATS = {
    "application/json": "json",
    GEOJSON: "geojson",
    "application/problem+json": "json",
    "application/*": "json",
    "*/*": "json",
}
_COLLECTION = {
    "type": "object",
    "required": ["type", "features", "is_truncated"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "const": "FeatureCollection"},
        "features": {"type": "array", "items": {"$ref": "#/components/schemas/LeadFeature"}},
        "is_truncated": {"type": "boolean"},
    },
}
_FAILING = problems(DatabaseUnavailable)
router = area_router(prefix="/api/v1/map", tags=["maps"])


@router.get(
    "/leads",
    response_model=Success[LeadFeatures, PointsMeta],
    dependencies=[reading(leads)],
    responses={
        200: {"content": {GEOJSON: {"schema": _COLLECTION}}},
        **problems(DatabaseUnavailable, NotAcceptable),
    },
    name="map.leads",
)
async def points(
    request: Request, asked: Annotated[PointsQuery, Depends(Asking(PointsQuery))], db: ReadDb
) -> Response:
    """Leads in a box as GeoJSON, the newest first.

    `data` is the collection that libraries of maps take. With `Accept: application/geo+json` the answer is that
    collection itself, for those that fetch an address themselves; it then says `is_truncated` as a member of its own.
    """
    wanted = best_of(request.headers.get("accept"), _FORMATS, kinds=("application/json", GEOJSON))
    features, is_truncated = await maps.points(db, asked)
    collection = {"type": "FeatureCollection", "features": features}
    if wanted == "json":
        return plain(collection, {"limit": asked.limit, "is_truncated": is_truncated})
    said = dumps({**collection, "is_truncated": is_truncated})
    return Response(said, 200, {"Cache-Control": "private, no-cache"}, GEOJSON)


@router.get(
    "/heatmap",
    response_model=Success[list[HeatCell], HeatMeta],
    dependencies=[reading(leads)],
    responses=_FAILING,
    name="map.heatmap",
)
async def heatmap(asked: Annotated[HeatQuery, Depends(Asking(HeatQuery))], db: ReadDb) -> Response:
    """How many leads, or how much they may be worth, in each cell of a box: the hottest first.

    Cells are hexagons of H3; a larger `zoom` has smaller ones. A lead at the very edge of a cell may count in the next
    one, to whose family of finer cells its own belongs. Only leads in the box count.

    Values are summed up in one currency: the one that `currency` asks for, or else your own.
    """
    return plain(*await maps.heat(db, asked))


@router.get(
    "/clusters",
    response_model=Success[list[Cluster], ClustersMeta],
    dependencies=[reading(leads)],
    responses=_FAILING,
    name="map.clusters",
)
async def clusters(asked: Annotated[ClustersQuery, Depends(Asking(ClustersQuery))], db: ReadDb) -> Response:
    """Leads of a box, gathered by squares of the map, from the south west on.

    Their counts add up to exactly the leads in the box, at every zoom; the same leads give the same clusters.
    """
    return plain(*await maps.clusters(db, asked))
