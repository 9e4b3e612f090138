"""The versions of the API, what goes away when, and who still uses it."""

from __future__ import annotations

from fastapi import Depends, Request, Response

from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources.words import BODY, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.platform.versions import service
from serve.platform.versions.rules import SunsetsInvalid, deprecated_calls
from serve.platform.versions.schemas import SunsetsChange, Versioning

router = area_router(prefix="/api/v1/api/versioning", tags=["API management"])


@router.get(
    "/management",
    response_model=Success[Versioning, Meta],
    dependencies=[Depends(Needs("settings:read"))],
    responses=problems(DatabaseUnavailable),
)
async def read_versions(request: Request, db: TenantDb) -> Response:
    """Which versions there are, which calls go away when, what to use instead, and who still calls them."""
    return plain(await service.shown(db, deprecated_calls(request.app.routes)))


@router.put(
    "/management",
    response_model=Success[Versioning, Meta],
    dependencies=[Depends(Needs("limits:write"))],
    responses=problems(*BODY, SunsetsInvalid),
    **acts(risk="risky"),
)
async def change_sunsets(asked: SunsetsChange, request: Request, db: TenantDb) -> Response:
    """Give up deprecated calls sooner than everybody must.

    Every answer of such a call says the day in `Sunset`, and from that day on it is refused with 410, for the whole
    tenant and on every server within two seconds: so it is found out in time who still needs it.
    """
    calls = deprecated_calls(request.app.routes)
    await service.change(db, asked, calls)
    return plain(await service.shown(db, calls))
