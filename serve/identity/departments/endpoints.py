"""Departments, one below another. That none is above itself the database sees to, whatever changes at once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from serve.identity.departments.errors import DepartmentInUse
from serve.identity.departments.models import departments as table
from serve.identity.departments.schemas import DepartmentFields
from serve.kernel.db import Transaction
from serve.kernel.resources import Resource

MOST_NAMED = 20
_PARTS = """
    select 'employees' as field, full_name as name from employees
    where department_id = $1 and deleted_at is null and status <> 'left'
    union all
    select 'departments', name from departments where parent_id = $1 and deleted_at is null
    order by 1, 2 limit $2
"""


class Departments(Resource):
    async def delete(self, db: Transaction, row_id: UUID) -> Mapping[str, Any]:
        """Only an empty one. Raises NotFound, or DepartmentInUse naming who is part of it."""
        await self.get(db, row_id, lock=True)
        # Stronger than for a change: nobody can begin to refer to it any more.
        await db.execute("select from departments where id = $1 for update", row_id)
        if parts := await db.fetch(_PARTS, row_id, MOST_NAMED):
            raise DepartmentInUse(details=[(part["field"], part["name"]) for part in parts])
        return await super().delete(db, row_id)


departments = Departments(table, fields=DepartmentFields, permission="employees", deleting=(DepartmentInUse,))
router = departments.router()
