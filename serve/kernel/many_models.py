"""Room for more than 128 query models.

FastAPI remembers the fields of a model that stands for query parameters in a memory of 128 models. Beyond, it makes
them again, and its OpenAPI document then fails with a KeyError, because it looks them up by identity; every list of a
resource has such a model. (FastAPI 0.165; found with 46 resources.)
"""

from __future__ import annotations

from functools import cache

from fastapi._compat import v2
from fastapi.dependencies import utils


def make_room() -> None:
    """Remember them all; safe to repeat. Before the first route is made."""
    utils.get_cached_model_fields = cache(v2.get_model_fields)  # type: ignore[attr-defined]
