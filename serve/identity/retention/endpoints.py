"""How long things are kept, over HTTP."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from typing import Annotated

from fastapi import Depends, Response

from serve.identity.retention import service
from serve.identity.retention.kinds import KINDS
from serve.identity.retention.models import retention_rules as table
from serve.identity.retention.schemas import KindRead, RuleFields, RulePreview, RuleRead
from serve.kernel.caller import Caller, Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import Invalid, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources import Resource
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.store import check_version
from serve.kernel.resources.words import BODY, Id, IfMatch, one, plain
from serve.kernel.risk import acts
from serve.kernel.tasks.answers import LATER, started

rules = Resource(
    table,
    fields=RuleFields,
    read=RuleRead,
    calls=("list", "get", "delete", "history"),
    path="/api/v1/privacy/retention-rules",
    permission="privacy",
)
router = rules.router(tags=["privacy"])

Patch = rules.patch
Reader = Annotated[Caller, Depends(Needs("privacy:read"))]
Writer = Annotated[Caller, Depends(Needs("privacy:write"))]
REPEATED = (StillRunning, KeyOfAnotherRequest)


@router.get("/kinds", response_model=Success[list[KindRead], Meta], name="retention_rules.kinds")
async def kinds(caller: Reader) -> Response:
    """What can be kept for a time and no longer, and for how long it usually is."""
    return plain(
        [
            {"kind": name, "meaning": kind.meaning, "usual_days": kind.usual_days}
            for name, kind in KINDS.items()
        ]
    )


@router.post(
    "",
    status_code=201,
    response_model=Success[RuleRead, RowMeta],
    responses=problems(*BODY, Duplicate, *REPEATED),
    name="retention_rules.create",
    **acts(risk="risky"),
)
async def create(written: RuleFields, caller: Writer, db: TenantDb) -> Response:
    """How long your company keeps something. It ends nothing before it is active: look at its preview first."""
    values = values_of(written, sent_only=False)
    values["keep_days"] = values["keep_days"] or KINDS[written.kind].usual_days
    row = await rules.insert(db, values)
    return one(row, status=201, headers={"Location": f"{rules.path}/{row['id']}"})


@router.patch(
    "/{id}",
    response_model=Success[RuleRead, RowMeta],
    responses=problems(*BODY, rules.NotFound, Duplicate, LostUpdate, Invalid, *REPEATED),
    name="retention_rules.patch",
    **acts(risk="risky"),
)
async def patch(id: Id, written: Patch, caller: Writer, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Change the rule, such as its time; or make it active."""
    row = await rules.get(db, id, lock=True)
    check_version(if_match, row)
    changes = values_of(written, sent_only=True)
    if "keep_days" in changes and changes["keep_days"] is None:
        changes["keep_days"] = KINDS[changes.get("kind", row["kind"])].usual_days
    return one(await rules.update(db, row, changes))


@router.get(
    "/{id}/preview",
    response_model=Success[RulePreview, Meta],
    responses=problems(rules.NotFound, DatabaseUnavailable),
    name="retention_rules.preview",
)
async def preview(id: Id, caller: Writer, db: TenantDb) -> Response:
    """How many rows the rule would end now."""
    return plain(await service.preview(db, await rules.get(db, id, lock=True)))


@router.post(
    "/{id}/run",
    status_code=202,
    response_model=LATER[202]["model"],
    responses=problems(rules.NotFound, DatabaseUnavailable, *REPEATED),
    name="retention_rules.run",
    **acts(risk="risky"),
)
async def run(id: Id, caller: Writer, db: TenantDb) -> Response:
    """Apply the rule now, active or not."""
    task = await service.begin(db, await rules.get(db, id, lock=True))
    assert task is not None
    return started(task)
