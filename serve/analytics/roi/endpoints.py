"""Return on investment."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from serve.analytics.roi import queries
from serve.analytics.roi.schemas import RoiMeta, RoiQuery, RoiRead, SubjectReturns
from serve.kernel.answers import AnalyticsAnswer
from serve.kernel.envelope import Success
from serve.kernel.openapi import release_answer
from serve.kernel.routing import area_router

router = area_router(prefix="/api/v1/analytics/roi", tags=["analytics"])


@router.get(
    "/calculation", response_model=Success[RoiRead, RoiMeta], **release_answer(), name="analytics.roi"
)
async def roi_calculation(query: Annotated[RoiQuery, Query()], answer: AnalyticsAnswer) -> Response:
    """Investment, return, profit, ROI and payback by campaign, lead source or vehicle, with the formula."""
    return await answer(query, queries.roi, row=SubjectReturns)
