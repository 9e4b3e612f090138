"""Places, and what maps are asked with."""

from __future__ import annotations

from typing import Any

PARAMETERS: dict[str, dict[str, Any]] = {
    "GET /api/v1/locations/nearby": {"latitude": 53.08, "longitude": 8.8},
    **{f"GET /api/v1/map/{kind}": {"bbox": "8,53,9,54"} for kind in ("leads", "heatmap", "clusters")},
}
BODIES: dict[str, dict[str, Any]] = {}
