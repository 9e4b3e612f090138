"""Who works here, and who leads whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from serve.identity.employees.errors import EmployeeInUse
from serve.identity.employees.models import employees as table
from serve.identity.employees.rules import check_employee
from serve.identity.employees.schemas import EmployeeFields, EmployeeRead, OrgChartQuery
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.resources import Resource, Row

MOST_NAMED = 20
_LED = """
    select 'employees' as field, full_name as name from employees
    where manager_id = $1 and deleted_at is null and status <> 'left'
    union all
    select 'departments', name from departments where head_id = $1 and deleted_at is null
    order by 1, 2 limit $2
"""
# Whose lead has left, or was never there, stands at the top. The path sorts each one right below their lead.
_CHART = """
    with recursive working as (
        select * from employees where deleted_at is null and status <> 'left'
    ),
    chart as (
        select w.*, 1 as level, array[w.full_name, w.id::text] as path from working w
        where case when $1::uuid is null
            then not exists (select from working m where m.id = w.manager_id) else w.id = $1 end
        union all
        select w.*, c.level + 1, c.path || array[w.full_name, w.id::text]
        from chart c join working w on w.manager_id = c.id where c.level < $2
    )
    select c.id, c.full_name, c.job_title, c.status, c.department_id, d.name as department_name,
        case when c.level > 1 or $1 is not null then c.manager_id end as manager_id, c.level,
        (select count(*) from working w where w.manager_id = c.id) as reports_count, c.path
    from chart c left join departments d on d.id = c.department_id
    where $3::uuid is null or c.department_id = $3
"""

# An account that belonged to somebody else's record is not taken from there: the address alone does not say that much.
_KNOWN = """
    select id from employees
    where deleted_at is null and tenant_id = $4 and (
        (id = $1 and (user_id is null or user_id = $2)) or user_id = $2
        or ($1::uuid is null and user_id is null and lower(email) = lower($3))
    )
    order by id is distinct from $1, user_id is distinct from $2, created_at limit 1
"""


class Employees(Resource):
    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        """Only one who leads nobody. Raises NotFound, or EmployeeInUse naming whom and what they lead."""
        await self.get(db, row_id, lock=True)
        # Stronger than for a change: nobody can begin to refer to it any more.
        await db.execute("select from employees where id = $1 for update", row_id)
        if led := await db.fetch(_LED, row_id, MOST_NAMED):
            raise EmployeeInUse(details=[(each["field"], each["name"]) for each in led])
        return await super().delete(db, row_id)


employees = Employees(
    table,
    fields=EmployeeFields,
    read=EmployeeRead,
    rule=check_employee,
    deleting=(EmployeeInUse,),
)


async def org_chart(db: Transaction, asked: OrgChartQuery) -> tuple[list[dict[str, Any]], int]:
    """The page asked for of everybody at their place, and how many there are. Raises NotFound for an unknown root."""
    if asked.root is not None:
        await employees.get(db, asked.root)
    limit, offset = asked.window()
    values = (asked.root, asked.levels, asked.department_id)
    rows = await db.fetch(f"{_CHART} order by c.path limit $4 offset $5", *values, limit, offset)
    total = await db.fetch_one(f"select count(*) as n from ({_CHART}) c", *values)
    assert total is not None
    return [{name: value for name, value in row.items() if name != "path"} for row in rows], total["n"]


async def expect(db: Transaction, values: Mapping[str, Any], sent: Collection[str]) -> Row:
    """The employee of this address, with what was ``sent`` where nothing is known yet; or a new one who is invited.

    Raises Invalid naming what is known otherwise.
    """
    found = await db.fetch_one(_KNOWN, None, None, values["email"], db.caller.tenant_id)
    if found is not None:
        before = await employees.get(db, UUID(found["id"]), lock=True)
        said = {name: values[name] for name in sent if values[name] is not None and name in before}
        said = {name: value for name, value in said.items() if name not in ("email", "status")}
        otherwise = [
            (name, "is known otherwise of the employee of this address")
            for name, value in said.items()
            if before[name] is not None and str(before[name]) != str(value)
        ]
        if otherwise:
            raise Invalid(details=otherwise)
        return await employees.change(
            db, before, **{name: value for name, value in said.items() if before[name] is None}
        )
    return await employees.insert(db, {**values, "status": "invited"})


async def arrive(
    db: Transaction, user_id: UUID, values: Mapping[str, Any], *, employee_id: UUID | None = None
) -> Row:
    """The employee who has this account from now on, at work: the one named, or found by account or address, or new.

    What is known of them stays; ``values`` are for what is not.
    """
    try:
        async with db.attempt():
            return await _arrive(db, user_id, values, employee_id)
    except (
        asyncpg.IntegrityConstraintViolationError
    ):  # the department or the lead of the invitation has gone meanwhile: nobody is kept out by that
        rest = {name: value for name, value in values.items() if name not in ("department_id", "manager_id")}
        return await _arrive(db, user_id, rest, employee_id)


async def _arrive(db: Transaction, user_id: UUID, values: Mapping[str, Any], employee_id: UUID | None) -> Row:
    found = await db.fetch_one(_KNOWN, employee_id, user_id, values["email"], db.caller.tenant_id)
    before = await employees.get(db, UUID(found["id"]), lock=True) if found else None
    if before is None or before["user_id"] not in (None, str(user_id)):  # somebody else came in as them
        return await employees.insert(db, {**values, "user_id": user_id, "status": "active"})
    changes = {name: value for name, value in values.items() if before[name] is None} | {"user_id": user_id}
    if before["status"] in ("invited", "left"):
        changes |= {"status": "active", "left_on": None}
    return await employees.change(db, before, **changes)
