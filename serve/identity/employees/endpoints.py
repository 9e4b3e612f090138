"""Employees, and who leads whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from serve.identity.employees import leaving, service
from serve.identity.employees.errors import StatusNotPossible
from serve.identity.employees.schemas import EmploymentEnd, EmploymentReturn, OrgChartNode, OrgChartQuery
from serve.identity.employees.service import employees
from serve.identity.roles.rules import MoreThanYours, OwnersAlone
from serve.identity.users.errors import LastOwner, OwnAccount
from serve.kernel.caller import PROOF, Lacks, NeedsRecent
from serve.kernel.db import DatabaseUnavailable, TenantDb, Transaction
from serve.kernel.envelope import PageMeta, Success
from serve.kernel.errors import Forbidden, problems
from serve.kernel.paging import page_meta
from serve.kernel.resources.words import BODY, Id, one, plain, reading

router = employees.router()
PROVEN = NeedsRecent("users:write")
_SWITCHING = (Forbidden, OwnersAlone, MoreThanYours, OwnAccount, LastOwner, *PROOF)


@router.get(
    "/org-chart",
    response_model=Success[list[OrgChartNode], PageMeta],
    dependencies=[reading(employees)],
    responses=problems(employees.NotFound, DatabaseUnavailable),
    name="employees.org_chart",
)
async def org_chart(asked: Annotated[OrgChartQuery, Query()], db: TenantDb) -> Response:
    """Who leads whom: everybody who works here, each right below their lead."""
    nodes, total = await service.org_chart(db, asked)
    return plain(nodes, page_meta(asked.window(), total))


@employees.action(router, "end", StatusNotPossible, *_SWITCHING, *BODY)
async def end_employment(request: Request, id: Id, asked: EmploymentEnd, db: TenantDb) -> Response:
    """Note that somebody has left, and switch their account here off at once, in one call.

    Where there is an account to switch off that takes `users:write` and a recent proof, like switching it off by
    itself; with `keep_account`, and for who has none, `employees:write` is enough. Their account is theirs elsewhere.
    """
    row = await leaving.end(db, id, asked, proof=_proof(request, db), request_id=request.state.request_id)
    return one(row)


@employees.action(router, "return", StatusNotPossible, *_SWITCHING, *BODY)
async def come_back(request: Request, id: Id, asked: EmploymentReturn, db: TenantDb) -> Response:
    """Note that somebody who had left works here again. Whether a switched-off account comes back must be said."""
    row = await leaving.come_back(
        db, id, asked, proof=_proof(request, db), request_id=request.state.request_id
    )
    return one(row)


def _proof(request: Request, db: Transaction) -> leaving.Proof:
    async def check() -> None:
        if PROVEN.permission not in db.caller.permissions:
            raise Lacks(db.caller, PROVEN.permission)
        await PROVEN.check(request, db.caller)
        db.afterwards.append(request.app.state.revocations.look)

    return check
