"""The kind of task that is an action: any operation, later, as whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from serve.kernel.actions import Actions, Outcome
from serve.kernel.db import Record, Transaction
from serve.kernel.idempotency import StillRunning
from serve.kernel.tasks.kinds import task
from serve.kernel.tasks.store import enqueue
from serve.kernel.tasks.work import Failed, Work

INVOKE = "actions.invoke"
_STEP = "invoke"


async def invoke_later(
    db: Transaction,
    operation_id: str,
    params: Mapping[str, Any],
    *,
    title: str | None = None,
    about: tuple[str, UUID | str] | None = None,
    not_before: datetime | None = None,
    key: str | None = None,
) -> Record | None:
    """Have the caller of ``db`` invoke it once the transaction has committed; the task, as ``enqueue`` gives it.

    What the caller may do is looked at when it is done.
    """
    return await enqueue(
        db,
        INVOKE,
        {"operation_id": operation_id, "params": dict(params)},
        title=title or operation_id,
        operation_id=operation_id,
        about=about,
        not_before=not_before,
        key=key,
    )


@task(INVOKE, queue="actions")
async def invoke(work: Work) -> Any:
    """Once: under a key of the task's own, which the service keeps with what was done.

    An operation that takes no such key has the same effect however often it is done.
    """
    caller = await work.person()
    actions: Actions = work.state.actions

    async def call(stable_id: str) -> Any:
        outcome = await actions.invoke(
            work.params["operation_id"],
            work.params["params"],
            caller,
            idempotency_key=stable_id,
            cause=UUID(work.id),
            request_id=work.request_id or None,
        )
        if outcome.succeeded:
            return {"status": outcome.status, "data": outcome.data, "meta": outcome.meta}
        raise _refused(outcome)

    return await work.outside(_STEP, call)


def _refused(outcome: Outcome) -> Failed:
    error = outcome.error or {}
    is_passing = outcome.status >= 500 or outcome.status == 429 or error.get("code") == StillRunning.code
    said = {name: error.get(name) for name in ("code", "message", "details")}
    return Failed(said, is_passing=is_passing, headers=outcome.headers)
