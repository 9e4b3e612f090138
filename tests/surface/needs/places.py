"""Places, and what maps are asked with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.surface.operations import BY_NAME

if TYPE_CHECKING:
    from tests.surface.calls import Surface

PARAMETERS: dict[str, dict[str, Any]] = {
    "GET /api/v1/locations/nearby": {"latitude": 53.08, "longitude": 8.8},
    **{f"GET /api/v1/map/{kind}": {"bbox": "8,53,9,54"} for kind in ("leads", "heatmap", "clusters")},
}


def _lead(surface: Surface, tenant: UUID | None) -> Any:
    """With a place in the box of the map: the example of a lead has one."""
    return surface.make(BY_NAME["POST /api/v1/leads"], tenant)


LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {"GET /api/v1/map/leads": _lead}
BODIES: dict[str, dict[str, Any]] = {}
