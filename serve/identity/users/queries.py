"""Which people. Whose they are the database's function says, by the tenants of the transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from serve.identity.users.schemas import SORTED, UserQuery
from serve.kernel.db import Record, Transaction
from serve.kernel.paging import order_by
from serve.kernel.resources import Row

_FILTERS = {
    "ids": "p.id = any({}::uuid[])",
    "role": "p.role = any({}::text[])",
    "state": "p.state = {}",
    "department_id": "p.department_id = {}::uuid",
    "search": "position(lower({}) in lower(p.full_name || ' ' || p.email)) > 0",
    "has_logged_in": "(p.last_login_at is not null) = {}",
    "has_second_factor": "p.has_second_factor = {}",
    "last_login_start": "p.last_login_at >= {}::date",
    "last_login_end": "p.last_login_at < {}::date + 1",
}
_OWN = "nullif(current_setting('app.tenant_id', true), '')::uuid"


async def page(db: Transaction, asked: UserQuery) -> tuple[list[Row], int]:
    """The page asked for, and how many there are. Raises Invalid."""
    conditions, bound = ["true"], []
    for name, condition in _FILTERS.items():
        value: Any = getattr(asked, name)
        if value is not None:
            bound.append([str(each) for each in value] if name == "ids" else value)
            conditions.append(condition.format(f"${len(bound)}"))
    source = f"from staff_people() p where {' and '.join(conditions)}"
    limit, offset = asked.window()
    rows = await db.fetch(
        f"select p.* {source} order by {order_by(asked.sort, SORTED, tie='p.id, p.tenant_id')}"
        f" limit {limit} offset {offset}",
        *bound,
    )
    total = await db.fetch_one(f"select count(*) as n {source}", *bound)
    assert total is not None
    return [Row(row) for row in rows], total["n"]


async def find(db: Transaction, user_id: UUID, *, own_only: bool = False) -> Row | None:
    """Somebody of the caller's tenant, else (unless ``own_only``) of a tenant that the caller may read."""
    row: Record | None = await db.fetch_one(
        f"select p.* from staff_people() p where p.id = $1 and (not $2 or p.tenant_id = {_OWN})"
        f" order by p.tenant_id = {_OWN} desc, p.tenant_id limit 1",
        *(user_id, own_only),
    )
    return None if row is None else Row(row)


async def member_by_email(db: Transaction, email: str) -> UUID | None:
    """Whoever belongs to the caller's tenant under this address."""
    row = await db.fetch_one(
        f"select p.id from staff_people() p where lower(p.email) = lower($1) and p.tenant_id = {_OWN}", email
    )
    return None if row is None else UUID(row["id"])
