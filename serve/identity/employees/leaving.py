"""An employment ends, and the person's account here with it; and begins again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

from serve.identity.employees.errors import StatusNotPossible
from serve.identity.employees.schemas import EmploymentEnd, EmploymentReturn
from serve.identity.employees.service import employees
from serve.identity.users import queries as people
from serve.identity.users import service as users
from serve.identity.users.schemas import UserPatch
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Row

LEFT = event("employee.left", "The employment has ended: `after` has the last day.")
RETURNED = event("employee.returned", "Whoever had left works here again.")
Proof = Callable[[], Awaitable[None]]
"""Raises unless the caller may switch accounts off and on, and has just proved who they are."""


async def end(
    db: Transaction, employee_id: UUID, asked: EmploymentEnd, *, proof: Proof, request_id: str
) -> Row:
    """Raises EmployeeNotFound, Invalid, what ``proof`` raises, and what stands against switching the person off."""
    before = await employees.get(db, employee_id, lock=True)
    today = await _today(db)
    left_on = asked.left_on or before["left_on"] or today
    if not asked.keep_account and await _state(db, before) == "active":
        if left_on > today:
            raise Invalid(
                details=[
                    ("left_on", "lies ahead, and the account is switched off at once: or say keep_account")
                ]
            )
        await proof()
        await _switch(db, before, "suspended", request_id)
    return await employees.change(db, before, status="left", left_on=left_on, event=LEFT)


async def come_back(
    db: Transaction, employee_id: UUID, asked: EmploymentReturn, *, proof: Proof, request_id: str
) -> Row:
    """Raises EmployeeNotFound, StatusNotPossible, Invalid, and what ``proof`` raises."""
    before = await employees.get(db, employee_id, lock=True)
    if before["status"] != "left":
        raise StatusNotPossible(details=[("status", "only who has left comes back")])
    if await _state(db, before) == "suspended":
        if asked.reactivate_account is None:
            raise Invalid(
                details=[("reactivate_account", "say it: the person's account here is switched off")]
            )
        if asked.reactivate_account:
            await proof()
            await _switch(db, before, "active", request_id)
    return await employees.change(db, before, status="active", left_on=None, event=RETURNED)


async def _state(db: Transaction, employee: Row) -> str | None:
    """Of the account here; None where there is none, or none any more."""
    if employee["user_id"] is None:
        return None
    person = await people.find(db, UUID(employee["user_id"]), own_only=True)
    return person and person["state"]


async def _switch(db: Transaction, employee: Row, state: str, request_id: str) -> None:
    change = UserPatch.model_validate({"state": state})
    await users.change(db, UUID(employee["user_id"]), change, None, request_id)


async def _today(db: Transaction) -> date:
    found = await db.fetch_one(
        "select (now() at time zone t.timezone)::date as today from tenants t where t.id = $1",
        db.caller.tenant_id,
    )
    assert found is not None
    today: date = found["today"]
    return today
