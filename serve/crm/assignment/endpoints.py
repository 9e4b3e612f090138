"""Rules of assignment over HTTP, and one lead given to somebody."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from fastapi import Response

from serve.crm.assignment import service
from serve.crm.assignment.errors import NobodyFree
from serve.crm.assignment.schemas import Assigned, Assigning, AssignmentRuleFields
from serve.crm.assignment.service import assignment_rules
from serve.crm.leads.store import leads
from serve.kernel.db import TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain, writing
from serve.kernel.routing import area_router

router = assignment_rules.router(tags=["leads"])
of_leads = area_router(prefix=leads.path, tags=["leads"], route_class=RepeatableRoute)


@router.post(
    "",
    status_code=201,
    response_model=Success[assignment_rules.read_model, RowMeta],  # type: ignore[name-defined]
    dependencies=[writing(assignment_rules)],
    responses=problems(*BODY, Duplicate, StillRunning, KeyOfAnotherRequest),
    name="lead_assignment_rules.create",
)
async def create_rule(written: AssignmentRuleFields, db: TenantDb) -> Response:
    """Say who gets new leads that nobody works on. Those that are here already stay as they are."""
    row = await assignment_rules.insert(
        db, assignment_rules.settled(None, values_of(written, sent_only=False))
    )
    return one(row, status=201, headers={"Location": f"{assignment_rules.path}/{row['id']}"})


@of_leads.post(
    "/{id}/assign",
    response_model=Success[Assigned, Meta],
    dependencies=[writing(leads)],
    responses=problems(*BODY, leads.NotFound, NobodyFree, StillRunning, KeyOfAnotherRequest),
    name="leads.assign",
)
async def assign(id: Id, asked: Assigning, db: TenantDb) -> Response:
    """Give the lead to somebody of yours, or to whom the rules of assignment say."""
    lead, rule_id = await service.assign(db, id, asked.user_id)
    return plain({"lead": lead, "rule_id": rule_id})
