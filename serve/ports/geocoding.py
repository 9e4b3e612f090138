"""Where an address lies, by a service that speaks as Nominatim does. Its public server takes one question a second."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, RootModel

from serve.kernel.errors import OutsideFailed
from serve.kernel.memory import remembered
from serve.ports.way import Way, WaySettings

KEPT_S: Final = 86_400
"""How long an answer is remembered by this process; it is written nowhere."""
LONGEST_WAIT_S: Final = 5.0


class Found(BaseModel):
    """One place of an answer; what else is said of it is passed over."""

    model_config = ConfigDict(extra="ignore")

    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    display_name: str = Field(max_length=1000)
    importance: float | None = None
    licence: str | None = Field(None, max_length=500)


class _Answer(RootModel[list[Found]]):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GeocoderSettings(WaySettings):
    contact: str
    """Of whoever answers for the questions: an address of mail, sent along."""
    every_s: float = 1.0


class Pace:
    """Turns of everybody in this process who asks the same service."""

    def __init__(self) -> None:
        self._next_s: dict[str, float] = remembered(1_000)

    def turn(self, address: str, every_s: float, *, now_s: float) -> float:
        """How long to wait for one's turn, which is taken.

        >>> pace = Pace()
        >>> [pace.turn("a", 1.0, now_s=now) for now in (10.0, 10.25, 20.0)]
        [0.0, 0.75, 0.0]
        """
        begins = max(now_s, self._next_s.get(address, 0.0))
        if begins - now_s <= LONGEST_WAIT_S:
            self._next_s[address] = begins + every_s
        return begins - now_s


_PACE = Pace()
_KNOWN: dict[tuple[str, str], tuple[float, list[Found]]] = remembered(10_000)


class Geocoder(Way[GeocoderSettings]):
    """``find`` is a place for each that the service thinks of, the likeliest first."""

    name, kind = "The geocoder", GeocoderSettings

    def headers(self) -> dict[str, str]:
        return {"User-Agent": f"Throughline ({self.settings.contact})"}

    async def find(self, address: str, *, country: str | None = None, limit: int = 5) -> list[Found]:
        """Raises what calls outside raise; OutsideFailed, too, where many wait for their turn."""
        asked = {
            "q": address,
            "format": "jsonv2",
            "limit": limit,
            "countrycodes": (country or "").lower() or None,
        }
        base_url = self.settings.base_url.rstrip("/")
        key = (base_url, repr(asked))
        now_s = time.monotonic()
        if (known := _KNOWN.get(key)) is not None and now_s < known[0]:
            return known[1]
        wait_s = _PACE.turn(base_url, self.settings.every_s, now_s=now_s)
        if wait_s > LONGEST_WAIT_S:
            said = f"{self.name} is asked once a second, and many wait."
            raise OutsideFailed(self.name, said, wait_s=wait_s)
        await asyncio.sleep(wait_s)
        found = (await self.ask(_Answer, "GET", "/search", params=asked)).root[:limit]
        _KNOWN[key] = (time.monotonic() + KEPT_S, found)
        return found
