"""Where an address lies, by a service that speaks as Nominatim does. Its public server takes one question a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from serve.ports.way import Way, WaySettings


def _storable(said: Any) -> Any:
    return said.replace("\0", "") if isinstance(said, str) else said


Said = Annotated[str, BeforeValidator(_storable)]
"""Words of others, without the one sign that PostgreSQL cannot hold."""


class Found(BaseModel):
    """One place of an answer; what else is said of it is passed over."""

    model_config = ConfigDict(extra="ignore")

    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    display_name: Said = Field(max_length=1000)
    importance: float | None = None
    licence: Said | None = Field(None, max_length=500)


class _Answer(RootModel[list[Found]]):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GeocoderSettings(WaySettings):
    contact: str
    """Of whoever answers for the questions: an address of mail, sent along."""
    every_s: float = 1.0


class Geocoder(Way[GeocoderSettings]):
    """``find`` is a place for each that the service thinks of, the likeliest first."""

    name, kind = "The geocoder", GeocoderSettings

    def headers(self) -> dict[str, str]:
        return {"User-Agent": f"Throughline ({self.settings.contact})"}

    def question(self, address: str, *, country: str | None = None, limit: int = 5) -> dict[str, Any]:
        """What is asked, as the service has it."""
        return {
            "q": address,
            "format": "jsonv2",
            "limit": limit,
            "countrycodes": (country or "").lower() or None,
        }

    async def find(self, question: Mapping[str, Any]) -> list[Found]:
        """At once: whose turn it is, and what is known already, is for the caller. Raises what calls outside raise."""
        return (await self.ask(_Answer, "GET", "/search", params=question)).root[: question["limit"]]
