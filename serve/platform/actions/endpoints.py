"""The catalogue of actions, and several of them in one call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response

from serve.kernel.actions import Actions, NotAnAction, OperationNotFound
from serve.kernel.actions.action import Action
from serve.kernel.caller import Caller, Needs
from serve.kernel.db import Database, Transaction
from serve.kernel.envelope import Meta, PageMeta, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import (
    DRY_RUN,
    KeyOfAnotherRequest,
    RepeatableRoute,
    StillRunning,
    asks_dry_run,
)
from serve.kernel.paging import page_meta
from serve.kernel.resources.words import BODY, plain
from serve.kernel.risk import acts
from serve.kernel.routing import area_router
from serve.platform.actions.batch import BatchUndone, Run, check
from serve.platform.actions.catalogue import Catalogue
from serve.platform.actions.schemas import ActionLine, ActionRead, ActionsQuery, Batch, BatchResults

router = area_router("/api/v1", tags=["actions"], route_class=RepeatableRoute)
Someone = Annotated[Caller, Depends(Needs("actions:invoke"))]


@router.get("/actions", response_model=Success[list[ActionLine], PageMeta], name="actions.list")
async def list_actions(
    request: Request, asked: Annotated[ActionsQuery, Query()], caller: Someone
) -> Response:
    """Operations that you may call by their id, in a batch, a schedule or over MCP."""
    lines = [line(action, caller) for action in _actions(request)]
    words = (asked.q or "").lower().split()
    found = [
        each
        for each in lines
        if (asked.all or each["is_allowed"])
        and asked.risk in (None, each["risk"])
        and asked.area in (None, each["area"])
        and all(word in f"{each['id']} {each['summary']}".lower() for word in words)
    ]
    limit, offset = asked.window()
    return plain(found[offset : offset + limit], page_meta((limit, offset), len(found)))


@router.get(
    "/actions/{operation_id}",
    response_model=Success[ActionRead, Meta],
    responses=problems(OperationNotFound, NotAnAction),
    name="actions.get",
)
async def get_action(
    request: Request,
    caller: Someone,
    operation_id: Annotated[str, Path(max_length=100, description="As `contacts.create`.")],
) -> Response:
    """One action with the JSON Schemas of what it takes and answers; each stands for itself."""
    action = _actions(request).get(operation_id)
    catalogue: Catalogue = request.app.state.catalogue
    schemas = await catalogue.schemas(action)
    return plain({**line(action, caller), "input_schema": schemas.input, "output_schema": schemas.output})


@router.post(
    "/batch",
    response_model=Success[BatchResults, Meta],
    responses={
        207: {"model": Success[BatchResults, Meta], "description": "Some operations failed."},
        **problems(*BODY, BatchUndone, StillRunning, KeyOfAnotherRequest),
    },
    name="actions.batch",
    **acts(left_out="is itself made of actions", risk="risky", dry_run=True),
)
async def run_batch(request: Request, asked: Batch, caller: Someone) -> Response:
    """Call several operations, one after the other, each with its own permission, status and error.

    Every operation counts against your rates. With `mode` `all`, an `Idempotency-Key` or `X-Dry-Run` everything that
    can share one transaction does; with `all` what cannot is refused.
    """
    check(asked)
    dry_run = asks_dry_run(request.headers.get(DRY_RUN))
    async with _transaction(request, caller, is_needed=asked.mode == "all") as within:
        run = Run(
            _actions(request), caller, request_id=request.state.request_id, within=within, dry_run=dry_run
        )
        results = await (run.all if asked.mode == "all" else run.each)(asked.operations)
    failed = sum(result["error"] is not None for result in results)
    counts = {"succeeded": len(results) - failed, "failed": failed}
    data = {"mode": asked.mode, "dry_run": dry_run, **counts, "results": results}
    return plain(data, status=207 if failed else 200)


def line(action: Action, caller: Caller) -> dict[str, Any]:
    """The action as lists show it."""
    description = action.route.description
    return {
        "id": action.id,
        "area": action.area,
        "summary": description.partition("\n")[0].rstrip("."),
        "description": description,
        "risk": action.risk,
        "method": action.method,
        "path": action.path,
        "permission": action.permission,
        "is_allowed": action.permission in caller.permissions,
        "dry_run": action.offers_dry_run,
        "repeatable": action.is_repeatable,
    }


def _actions(request: Request) -> Actions:
    actions: Actions = request.app.state.actions
    return actions


@asynccontextmanager
async def _transaction(
    request: Request, caller: Caller, *, is_needed: bool
) -> AsyncIterator[Transaction | None]:
    """The one that a key or a dry run has begun; else one of our own where it is needed."""
    begun: Transaction | None = getattr(request.state, "transaction", None)
    if begun is not None or not is_needed:
        yield begun
        return
    database: Database = request.app.state.database
    async with database.transaction(caller, request_id=request.state.request_id) as transaction:
        yield transaction
