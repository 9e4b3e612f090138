"""Business calendars and SLA policies over HTTP."""

# No postponed annotations: FastAPI reads those of the endpoints, whose models are made by the resource.

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Response

from serve.crm.sla.hours import calendar_of, closed_because, open_on
from serve.crm.sla.schemas import CalendarDay, DaysQuery, PolicyFields
from serve.crm.sla.service import calendars, policies
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import Invalid, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one, plain, reading, writing

MOST_DAYS = 366
calendar_router = calendars.router(tags=["service levels"])
policy_router = policies.router(tags=["service levels"])


@policy_router.post(
    "",
    status_code=201,
    response_model=Success[policies.read_model, RowMeta],  # type: ignore[name-defined]
    dependencies=[writing(policies)],
    responses=problems(*BODY, Duplicate, StillRunning, KeyOfAnotherRequest),
    name="sla_policies.create",
)
async def create_policy(written: PolicyFields, db: TenantDb) -> Response:
    """Promise how soon tickets are answered and resolved. Open tickets follow in the background."""
    values = policies.settled(None, values_of(written, sent_only=False))
    row = await policies.insert(db, values)
    return one(row, status=201, headers={"Location": f"{policies.path}/{row['id']}"})


@calendar_router.get(
    "/{id}/days",
    response_model=Success[list[CalendarDay], Meta],
    dependencies=[reading(calendars)],
    responses=problems(calendars.NotFound, DatabaseUnavailable),
    name="business_calendars.days",
)
async def days(id: Id, asked: Annotated[DaysQuery, Query()], db: TenantDb) -> Response:
    """Each day as the calendar has it: when it is open, and why not."""
    count = (asked.date_end - asked.date_start).days + 1
    if not 1 <= count <= MOST_DAYS:
        raise Invalid(details=[("date_end", f"must lie up to {MOST_DAYS - 1} days after date_start")])
    calendar = calendar_of(await calendars.get(db, id))
    shown = []
    for day in (asked.date_start + timedelta(days=n) for n in range(count)):
        spans = open_on(calendar, day)
        shown.append(
            {
                "date": day,
                "open": [{"opens_at": opens, "closes_at": closes} for opens, closes in spans],
                "worked_s": sum((closes - opens).total_seconds() for opens, closes in spans),
                "closed_because": closed_because(calendar, day),
            }
        )
    return plain(shown)
