"""Liveness and readiness, for supervisors and load balancers. They say nothing about any tenant."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal

from fastapi import Request, Response
from pydantic import Field

from serve.kernel.answers import Answers
from serve.kernel.db import Database, DatabaseUnavailable
from serve.kernel.envelope import Meta, Output, Success, success
from serve.kernel.errors import Unavailable, problems
from serve.kernel.routing import area_router
from warehouse.releases import ReleaseError

router = area_router(prefix="/health", tags=["health"])
State = Literal["ready", "waiting", "failed"]


class NotReady(Unavailable):
    code, message = "NOT_READY", "Some parts are not ready yet; the details say which and why."


class Live(Output):
    status: Literal["live"]


class Part(Output):
    """One thing that the service needs."""

    state: State
    message: str = Field(description="A remark in plain words, when there is one.", examples=[""])


class Ready(Output):
    """All parts, each of them ready."""

    status: Literal["ready"]
    database: Part
    migrations: Part
    release: Part
    release_id: str | None = Field(examples=["20260201T021500123Z-0a1b2c"])
    release_as_of: datetime | None


@router.get("/live", response_model=Success[Live, Meta])
async def live() -> Response:
    """The process answers."""
    return _json({"status": "live"})


@router.get("/ready", response_model=Success[Ready, Meta], responses=problems(NotReady))
async def ready(request: Request) -> Response:
    """Database, its migrations and a release are there; otherwise 503 names what is not."""
    state = request.app.state
    parts = await _database(state.database, state.newest_revision)
    release, release_id, as_of = await asyncio.to_thread(_release, state.answers)
    parts["release"] = release
    missing = [(name, part["message"]) for name, part in parts.items() if part["state"] != "ready"]
    if missing:
        raise NotReady(details=missing)
    return _json({"status": "ready", **parts, "release_id": release_id, "release_as_of": as_of})


async def _database(database: Database, newest: str | None) -> dict[str, dict[str, str]]:
    try:
        async with database.transaction() as db:
            if not await db.fetch("select from pg_tables where tablename = 'alembic_version'"):
                revision = None
            else:
                row = await db.fetch_one("select version_num from alembic_version")
                revision = row and row["version_num"]
    except DatabaseUnavailable:
        failed = _part("failed", "The database does not answer.")
        return {"database": failed, "migrations": _part("waiting", "Unknown while the database is away.")}
    if revision == newest:
        return {"database": _part("ready"), "migrations": _part("ready")}
    told = f"The database is at revision {revision or 'none'}, this program expects {newest}."
    return {"database": _part("ready"), "migrations": _part("waiting", told)}


def _release(answers: Answers) -> tuple[dict[str, str], str | None, datetime | None]:
    try:
        release = answers.reader.release
    except ReleaseError:
        return _part("waiting", "Nothing has been published yet; the first pipeline run does it."), None, None
    problem = answers.reader.problem
    return (
        _part("ready", f"An older release is being read: {problem}" if problem else ""),
        release.id,
        release.as_of,
    )


def _part(state: State, message: str = "") -> dict[str, str]:
    return {"state": state, "message": message}


def _json(data: object) -> Response:
    return Response(success(data, {}), headers={"Cache-Control": "no-store"}, media_type="application/json")
