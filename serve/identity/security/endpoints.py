"""How tenants are kept apart, how safe one is set up, what looked like an attack, and why somebody was refused."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from serve.identity.branding.brand import brand_of
from serve.identity.security import checks, isolation, page, refusals
from serve.identity.security.errors import (
    PersonNotHere,
    RefusalNotFound,
    TenantNotReadable,
    ThreatAcknowledged,
)
from serve.identity.security.paper import paper
from serve.identity.security.posture_schemas import (
    AttestationFields,
    AttestationRead,
    PostureQuery,
    PostureRead,
)
from serve.identity.security.schemas import IsolationQuery, IsolationRead
from serve.kernel.caller import LimitedToken, Needs, NeedsPerson, NotByKey
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain
from serve.kernel.routing import area_router
from serve.kernel.tasks.answers import TaskStarted, started

reading, writing = Depends(Needs("security:read")), Depends(Needs("security:write"))
router = area_router(prefix=checks.BASE, tags=["security"], route_class=RepeatableRoute)
check_router = checks.checks.router(tags=["security"])
threat_router = page.threats.router(tags=["security"])
attestation_router = page.attestations.router(tags=["security"])
page_router = area_router(tags=["security"])


@router.get(
    "",
    response_model=Success[IsolationRead, Meta],
    dependencies=[reading],
    responses=problems(TenantNotReadable, DatabaseUnavailable),
    name="security.data_isolation",
)
async def data_isolation(
    asked: Annotated[IsolationQuery, Query()], request: Request, db: TenantDb
) -> Response:
    """How a tenant's data is kept apart: tables and their policies, roles, files, releases, answers, proved routes.

    Read from the database's own catalogue and the running parts at this moment.
    """
    app = request.app
    return plain(await isolation.report(db, asked, app.state, app.routes, app.state.public))


@router.post(
    "/check",
    status_code=202,
    response_model=Success[TaskStarted, Meta],
    dependencies=[writing],
    responses=problems(DatabaseUnavailable, StillRunning, KeyOfAnotherRequest),
    name="security.check_isolation",
)
async def check_isolation(db: TenantDb) -> Response:
    """Try, with the rights of a request, to read and write the tenant's data as a stranger; nothing stays of it.

    What came of it is a row of `checks`; whoever guards the tenant is told when something was crossed.
    """
    return started(await checks.begin(db))


@page_router.get(
    "/api/v1/b2b/advanced-security",
    response_model=Success[PostureRead, Meta],
    dependencies=[reading],
    responses=problems(DatabaseUnavailable),
    name="security.posture",
)
async def posture(asked: Annotated[PostureQuery, Query()], request: Request, db: TenantDb) -> Response:
    """How safe the tenant is set up: checks with a score, what happened, open threats, controls with evidence.

    Computed from settings and rows at this moment.
    """
    return plain(await page.posture(db, asked, request.app.state.settings))


@page_router.get(
    "/api/v1/security/report",
    dependencies=[reading],
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(DatabaseUnavailable),
    },
    name="security.report",
)
async def report(request: Request, db: TenantDb) -> Response:
    """The security page as a PDF under the tenant's letterhead, for whoever asks for proof."""
    app = request.app
    looked = await page.posture(db, PostureQuery(), app.state.settings)
    rows = IsolationQuery(isolation_level="row")
    apart = await isolation.report(db, rows, app.state, app.routes, app.state.public)
    made = await paper(looked, apart, await brand_of(db, app.state.files.storage))
    named = f'attachment; filename="security-{looked["looked_at"]:%Y-%m-%d}.pdf"'
    return Response(
        made, 200, {"Content-Disposition": named, "Cache-Control": "private, no-store"}, "application/pdf"
    )


@page_router.get(
    "/api/v1/security/why",
    response_model=Success[refusals.WhyRead, Meta],
    dependencies=[reading],
    responses=problems(PersonNotHere, RefusalNotFound, DatabaseUnavailable),
    name="security.why",
)
async def why(asked: Annotated[refusals.WhyQuery, Query()], request: Request, db: TenantDb) -> Response:
    """Why somebody was refused, or would be: what is missing, which roles have it, who can give it.

    Looked up in the route table and in the rows of today; nothing is called.
    """
    return plain(await refusals.why(db, asked, request.app.router.middleware_stack))


@page.threats.action(threat_router, "acknowledge", ThreatAcknowledged)
async def acknowledge(id: Id, db: TenantDb) -> Response:
    """Say that you have dealt with it: it stays on record, and no longer waits."""
    return one(await page.acknowledge(db, id))


@attestation_router.post(
    "",
    status_code=201,
    response_model=Success[AttestationRead, RowMeta],
    dependencies=[Depends(NeedsPerson("security:write"))],
    responses=problems(*BODY, NotByKey, LimitedToken, Duplicate, StillRunning, KeyOfAnotherRequest),
    name="security.attest",
)
async def attest(written: AttestationFields, db: TenantDb) -> Response:
    """Vouch for a control, as yourself, until a day. The newest word counts; no word makes a failed check pass."""
    row = await page.attest(db, written)
    return one(row, status=201, headers={"Location": f"{page.attestations.path}/{row['id']}"})
