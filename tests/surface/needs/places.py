"""Places, and what maps are asked with."""

from __future__ import annotations

from typing import Any

PARAMETERS: dict[str, dict[str, Any]] = {
    "GET /api/v1/locations/nearby": {"latitude": 53.08, "longitude": 8.8},
}
BODIES: dict[str, dict[str, Any]] = {}
