"""Kinds of tasks for tests: a handler of one's own, and counters in the store that show what happened how often."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from serve.kernel.db import Transaction
from serve.kernel.tasks import Work, enqueue
from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.kinds import KINDS, task
from tests.serve.firm import Firm

NUMBERS = itertools.count(1)
Handler = Callable[[Work], Awaitable[Any]]


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Declares a handler under a name of its own for the time of the test."""
    before = dict(KINDS)

    def declare(handler: Handler, **how: Any) -> str:
        name = f"tests.{next(NUMBERS)}"
        task(name, **how)(handler)
        return name

    yield declare
    KINDS.clear()
    KINDS.update(before)


class Desk:
    """Asks for tasks in the name of a person, and looks at them."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm

    def ask(self, kind: str, *, role: str = "owner", tenant: UUID | None = None, **how: Any) -> str | None:
        tenant = tenant or self.firm.a
        caller = acting_for(tenant, self.firm.people[tenant, role])

        async def insert() -> Any:
            async with self.firm.running.app.state.database.transaction(caller, request_id="r-1") as db:
                return await enqueue(db, kind, how.pop("params", {}), title="A test", **how)

        row = self.firm.running.wait_for(insert())
        return row and row["id"]

    def row(self, task_id: str) -> dict[str, Any]:
        ((found,),) = self.firm.sql("select to_jsonb(t) from tasks t where id = %s", task_id)
        return dict(found)

    def status(self, task_id: str) -> str:
        return str(self.row(task_id)["status"])

    def set(self, task_id: str, **columns: Any) -> None:
        sets = ", ".join(f"{name} = %s" for name in columns)
        self.firm.sql(f"update tasks set {sets} where id = %s", *columns.values(), task_id)


@pytest.fixture
def desk(firm: Firm) -> Desk:
    firm.sql("update tasks set status = 'cancelled' where status in ('queued', 'running', 'paused')")
    return Desk(firm)


async def note(db: Transaction, title: str) -> None:
    """Something that a step does in the database, and that can be counted."""
    await db.execute(
        "insert into notifications (tenant_id, user_id, kind, title)"
        " select current_setting('app.tenant_id')::uuid, user_id, 'test', $1 from tenant_members()"
        " where tenant_id = current_setting('app.tenant_id')::uuid order by user_id limit 1",
        title,
    )


def count(firm: Firm, title: str) -> int:
    ((found,),) = firm.sql("select count(*) from notifications where title = %s", title)
    return int(found)
