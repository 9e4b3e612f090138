"""What a place is to clients, and how one asks for what is near."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, create_model

from serve.crm.leads.schemas import LeadRead
from serve.crm.places.boxes import FARTHEST_M
from serve.kernel.envelope import Input, Output
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import FreeMap, Line

Kind = Literal["area", "branch", "depot", "site", "supplier", "other"]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class LocationFields(Fields):
    name: Annotated[Line, Field(min_length=1, max_length=200)] = Field(examples=["Bremen depot"])
    kind: Kind = Field("other", description="What it is to you.", examples=["depot"])
    street: Annotated[Line, Field(max_length=200)] | None = Field(
        None, description="With the number of the house.", examples=["Am Markt 1"]
    )
    city: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Bremen"])
    postcode: Annotated[Line, Field(max_length=20)] | None = Field(None, examples=["28195"])
    region: Annotated[Line, Field(max_length=200)] | None = Field(
        None, description="State, province or county.", examples=["Bremen"]
    )
    country: Country | None = Field(None, description="ISO 3166 code.", examples=["DE"])
    latitude: Latitude | None = Field(
        None, description="Degrees, north is positive; goes with longitude.", examples=[53.0758]
    )
    longitude: Longitude | None = Field(None, description="Degrees, east is positive.", examples=[8.8072])
    radius_m: Annotated[int, Field(ge=1, le=FARTHEST_M)] | None = Field(
        None, description="How far it reaches, in metres: leads within belong to it.", examples=[5000]
    )
    attributes: FreeMap = Field({}, description="What else you know.", examples=[{"gates": 4}])


LocationRead = read_of(LocationFields, "LocationRead")


class Nearby(BaseModel):
    """A point, and how far around it."""

    latitude: Latitude = Field(description="Of the point, in degrees.", examples=[53.0758])
    longitude: Longitude = Field(description="Of the point, in degrees.", examples=[8.8072])
    radius_m: float = Field(
        10_000, gt=0, le=FARTHEST_M, allow_inf_nan=False, description="How far, in metres.", examples=[10_000]
    )
    kind: Kind | None = Field(None, description="Only places of this kind.")
    limit: int = Field(20, ge=1, le=200, description="How many at most, the nearest first.")


LocationNear = create_model(
    "LocationNear",
    __base__=LocationRead,
    __module__=__name__,
    distance_m=(
        float,
        Field(description="Along the surface of the earth, in metres.", examples=[812.4]),
    ),
)


class NearbyMeta(Output):
    """What is said beside the places near a point."""

    limit: int = Field(examples=[20])
    is_truncated: bool = Field(
        description="Whether there are more within the radius than are shown.", examples=[False]
    )


class LeadOfLocation(LeadRead):
    """A lead, and why it belongs to the place."""

    tie: Literal["hand", "radius"] = Field(
        description="`hand`: somebody gave it the place's id; `radius`: it lies within the place's radius.",
        examples=["radius"],
    )
    distance_m: float | None = Field(
        description="From the middle of the place, in metres; empty where either has no coordinates.",
        examples=[812.4],
    )


class Address(Input):
    """What is known of a place."""

    street: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, examples=["Am Markt 1"])
    postcode: Annotated[Line, Field(min_length=1, max_length=20)] | None = Field(None, examples=["28195"])
    city: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, examples=["Bremen"])
    region: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, examples=[None])
    country: Country | None = Field(None, description="ISO 3166 code.", examples=["DE"])
    provider: Literal["if_needed", "always", "never"] = Field(
        "if_needed",
        description="Whether the geocoder of the settings `geocoding` is told the address: where what you know"
        " yourselves is not sure enough, and there is one; in any case; or not at all.",
    )

    def line(self) -> str:
        """As one writes it on a letter."""
        town = " ".join(part for part in (self.postcode, self.city) if part)
        return ", ".join(part for part in (self.street, town, self.region) if part)


class Candidate(Output):
    """A place that the address may mean."""

    latitude: float = Field(examples=[53.0758])
    longitude: float = Field(examples=[8.8072])
    label: str = Field(description="What was found, as whoever found it calls it.", examples=["Bremen depot"])
    confidence: float = Field(description="How sure it is, 0 to 1.", examples=[0.95])
    source: Literal["known", "provider"] = Field(
        description="Who says so: rows of your own, or the geocoder.", examples=["known"]
    )
    matched: Literal["street", "postcode", "city", "address"] = Field(
        description="What was the same: a place of that street; the middle of your rows of that postcode or town.",
        examples=["street"],
    )
    attribution: str | None = Field(
        description="Whom to name where it is shown; empty for your own.", examples=[None]
    )


class Geocoded(Output):
    candidates: list[Candidate] = Field(description="The surest first.")
    is_provider_asked: bool = Field(description="Whether somebody outside was told.", examples=[False])
