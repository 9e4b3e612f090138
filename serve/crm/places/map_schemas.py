"""What a map asks of leads, and what it gets."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, Field, create_model

from serve.crm.leads.schemas import Status
from serve.crm.leads.store import leads
from serve.crm.places.cells import SHOWN
from serve.kernel.envelope import Meta, Output

NUMBER = r"-?[0-9]{1,3}(\.[0-9]{1,15})?"
Zoom = Annotated[int, Field(ge=0, le=22)]
_UNASKED = frozenset({"page", "per_page", "limit", "offset", "cursor", "count", "sort", "fields", "deleted"})
MOST_POINTS = 1_000
MOST_CELLS = 5_000


class _OnMap(BaseModel):
    """What every map asks; a lead without coordinates is on none."""

    deleted: ClassVar[bool] = False
    bbox: str = Field(
        pattern=f"^{NUMBER}(,{NUMBER}){{3}}$",
        max_length=100,
        description="What the map shows, in degrees: west,south,east,north. West of more than east crosses the 180th"
        " meridian.",
        examples=["8.6,53.0,9.0,53.2"],
    )


def _asking(name: str, **own: Any) -> type[Any]:
    """A query with the filters of the list of leads."""
    filters: dict[str, Any] = {
        each: (info.annotation, info)
        for each, info in leads.query.model_fields.items()
        if each not in _UNASKED
    }
    return create_model(name, __base__=_OnMap, __module__=__name__, **filters, **own)


PointsQuery = _asking(
    "MapLeadsQuery",
    limit=(int, Field(MOST_POINTS, ge=1, le=MOST_POINTS, description="How many at most, the newest first.")),
)
HeatQuery = _asking(
    "MapHeatQuery",
    zoom=(Zoom, Field(10, description="Of the map: it says how large the cells are.")),
    resolution=(
        Annotated[int, Field(ge=0, le=SHOWN)] | None,
        Field(None, description="Of the cells (H3, 0 to 12), instead of that of the zoom."),
    ),
    weight=(
        Literal["count", "value"],
        Field("count", description="What makes a cell hot: how many leads, or what they may be worth."),
    ),
    outline=(bool, Field(False, description="Whether each cell comes with its corners.")),
)
ClustersQuery = _asking("MapClustersQuery", zoom=(Zoom, Field(10, description="Of the map.")))


class Point(Output):
    type: Literal["Point"]
    coordinates: list[float] = Field(
        description="Longitude, latitude.", min_length=2, max_length=2, examples=[[8.8072, 53.0758]]
    )


class LeadProperties(Output):
    full_name: str = Field(examples=["Ada Byron"])
    company: str | None = Field(examples=["Nordlicht Logistik GmbH"])
    city: str | None = Field(examples=["Bremen"])
    status: Status
    source: str = Field(examples=["referral"])
    tags: list[str] = Field(examples=[["vip"]])
    owner_id: UUID | None
    location_id: UUID | None
    value_cents: int | None = Field(examples=[250_000])
    currency: str = Field(examples=["EUR"])
    score: float | None = Field(examples=[0.31])


class LeadFeature(Output):
    type: Literal["Feature"]
    id: UUID = Field(description="Of the lead.")
    geometry: Point
    properties: LeadProperties


class LeadFeatures(Output):
    """A FeatureCollection (RFC 7946), as libraries of maps take it."""

    type: Literal["FeatureCollection"]
    features: list[LeadFeature]


class PointsMeta(Meta):
    limit: int = Field(examples=[1000])
    is_truncated: bool = Field(
        description="Whether there are more in the box than are shown: ask for clusters, or a smaller box.",
        examples=[False],
    )


class HeatCell(Output):
    """A hexagon, and what is in it."""

    cell: str = Field(description="Its name in H3.", examples=["871f1bd86ffffff"])
    latitude: float = Field(description="Of its middle.", examples=[53.0791])
    longitude: float = Field(examples=[8.8101])
    count: int = Field(description="Leads in it and in the box.", examples=[12])
    weight: float = Field(description="The count, or the value in minor units.", examples=[12])
    outline: list[list[float]] | None = Field(
        description="Its corners, longitude and latitude, the first one again at the end.", examples=[None]
    )


class HeatMeta(Meta):
    resolution: int = Field(description="Of the cells.", examples=[7])
    lead_count: int = Field(description="Leads in all cells of the box, shown or not.", examples=[412])
    without_value_count: int | None = Field(
        description="Leads that weigh nothing, because they have no value in this currency.", examples=[None]
    )
    currency: str | None = Field(description="Of the values that weigh.", examples=[None])
    limit: int = Field(examples=[MOST_CELLS])
    is_truncated: bool = Field(
        description="Whether there are more cells than are shown, the heaviest: ask for coarser ones or less.",
        examples=[False],
    )


class Cluster(Output):
    """Leads that lie in one square of the map."""

    count: int = Field(examples=[37])
    latitude: float = Field(description="Mean of its leads.", examples=[53.0791])
    longitude: float = Field(description="Mean of its leads.", examples=[8.8101])
    bbox: list[float] = Field(
        description="West, south, east, north of its leads: where to zoom to.",
        min_length=4,
        max_length=4,
        examples=[[8.79, 53.07, 8.83, 53.09]],
    )


class ClustersMeta(Meta):
    lead_count: int = Field(description="Leads in the box: the sum of all clusters.", examples=[412])
    level: int = Field(
        description="Of the squares: `zoom` + 2, or less where the box had too many of them.", examples=[12]
    )
