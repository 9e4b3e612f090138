"""Experiments on flags, beta users, and everything that is tried out on one page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Response

from serve.kernel.caller import Needs
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Meta, Success
from serve.kernel.errors import problems
from serve.kernel.resources import Resource
from serve.kernel.resources.declaration import CALLS
from serve.kernel.resources.words import Id, one, plain
from serve.kernel.routing import area_router
from serve.platform.experiments import models, service
from serve.platform.experiments.errors import (
    ExperimentInvalid,
    ExperimentState,
    FlagOccupied,
    MemberNotFound,
)
from serve.platform.experiments.rules import check_experiment
from serve.platform.experiments.schemas import (
    BetaState,
    ExperimentFields,
    ExperimentRead,
    ExperimentResult,
    Features,
)
from serve.platform.flags.endpoints import flags

experiments = Resource(
    models.experiments,
    fields=ExperimentFields,
    read=ExperimentRead,
    rule=check_experiment,
    calls=set(CALLS) - {"import"},  # no cell of a file holds variants
    permission="flags",
)
router = experiments.router(tags=["experiments"])
looking = area_router(prefix=experiments.path, tags=["experiments"])
features = area_router(prefix="/api/v1/experimental", tags=["experiments"])

READING = [Depends(Needs("flags:read"))]
WRITING = [Depends(Needs("flags:write"))]
OWN = [Depends(Needs("self:write"))]
Member = Annotated[UUID, Path(description="A person of the tenant.")]


@experiments.action(router, "start", ExperimentState, ExperimentInvalid, FlagOccupied)
async def start_experiment(id: Id, request: Request, db: TenantDb) -> Response:
    """Begin: who takes part gets the experiment's variants within two seconds, and nobody's changes from then on."""
    experiment = await experiments.get(db, id, lock=True)
    flag = await flags.get(db, UUID(str(experiment["flag_id"])), lock=True)
    await service.check_can_start(db, request.app.state.answers, experiment, flag)
    changes = {"status": "running", "started_at": datetime.now(UTC)}
    return one(await experiments.change(db, experiment, event=service.STARTED, **changes))


@experiments.action(router, "stop", ExperimentState)
async def stop_experiment(id: Id, db: TenantDb) -> Response:
    """End it for good: the flag's own rules decide again. What was seen by whom stays."""
    experiment = await experiments.get(db, id, lock=True)
    if experiment["status"] != "running":
        raise ExperimentState
    changes = {"status": "stopped", "stopped_at": datetime.now(UTC)}
    return one(await experiments.change(db, experiment, event=service.STOPPED, **changes))


@looking.get(
    "/{id}/results",
    response_model=Success[ExperimentResult, Meta],
    dependencies=READING,
    responses=problems(experiments.NotFound, DatabaseUnavailable),
)
async def experiment_results(id: Id, db: TenantDb) -> Response:
    """Who has seen which variant, and whether they came as often as they should."""
    found = await service.results(db, [str(id)])
    if not found:
        raise experiments.NotFound
    return plain(found[0])


@features.get(
    "/features",
    response_model=Success[Features, Meta],
    dependencies=READING,
    responses=problems(DatabaseUnavailable),
)
async def experimental_features(request: Request, db: TenantDb) -> Response:
    """Everything that is tried out: feature flags, beta users, and what is known of use, experiments and opinions."""
    return plain(await service.features(db, request.app.state.flags))


@features.put(
    "/beta-users/me",
    response_model=Success[BetaState, Meta],
    dependencies=OWN,
    responses=problems(MemberNotFound, DatabaseUnavailable),
)
async def join_beta(db: TenantDb) -> Response:
    """Get what is new before others do."""
    return plain(await service.join_beta(db, db.caller.user_id, "self"))


@features.delete(
    "/beta-users/me",
    response_model=Success[BetaState, Meta],
    dependencies=OWN,
    responses=problems(MemberNotFound, DatabaseUnavailable),
)
async def leave_beta(db: TenantDb) -> Response:
    """Get what is new when everybody does."""
    return plain(await service.leave_beta(db, db.caller.user_id))


@features.put(
    "/beta-users/{user_id}",
    response_model=Success[BetaState, Meta],
    dependencies=WRITING,
    responses=problems(MemberNotFound, DatabaseUnavailable),
)
async def add_beta_user(user_id: Member, db: TenantDb) -> Response:
    """Give a person of the tenant what is new before others get it."""
    return plain(await service.join_beta(db, user_id, "team"))


@features.delete(
    "/beta-users/{user_id}",
    response_model=Success[BetaState, Meta],
    dependencies=WRITING,
    responses=problems(MemberNotFound, DatabaseUnavailable),
)
async def remove_beta_user(user_id: Member, db: TenantDb) -> Response:
    """The person gets what is new when everybody does."""
    return plain(await service.leave_beta(db, user_id))
