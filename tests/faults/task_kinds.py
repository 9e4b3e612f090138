"""Tasks for tests that kill: what their steps do can be counted, in the database and outside of it.

Both processes load it: the API to ask for such tasks (``create_app``), the worker to carry them out (``live``).
"""

# No postponed annotations: FastAPI reads those of the endpoint.

import asyncio
import json
import os
import signal
import sys
import time
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import Depends, Response
from pydantic import BaseModel

from serve import app as service
from serve import worker
from serve.kernel.caller import Needs
from serve.kernel.db import TenantDb, Transaction
from serve.kernel.envelope import success
from serve.kernel.idempotency import RepeatableRoute
from serve.kernel.resources.words import raw
from serve.kernel.routing import area_router
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.runner import Runner
from serve.settings import Settings
from warehouse.postgres import die_with_parent

EFFECTS = """
    create table if not exists effects (
        task_id uuid, round int, step text, worker text, at timestamptz default clock_timestamp()
    );
    grant insert, select on effects to throughline_worker;
"""
"""Not one of ours: a row for each time that a step happened, whatever our own tables say."""


async def _note(db: Transaction, *, work: Work, name: str) -> Any:
    await db.execute(
        "insert into effects (task_id, round, step, worker) values ($1, $2, $3, $4)",
        *(work.id, work._round, name, os.environ["WORKER_NAME"]),
    )
    await _pause(work)
    return {"step": name}


async def _tell(stable_id: str, *, work: Work, name: str) -> Any:
    """One line in the file outside, written before anybody says that it was."""
    line = f"{time.time():.6f} {work.id} {work._round} {stable_id} {name}\n"
    file = os.open(os.environ["OUTSIDE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)
    await _pause(work)
    return {"id": stable_id}


async def _pause(work: Work) -> None:
    if pause_s := work.params.get("pause_s"):
        await asyncio.sleep(pause_s)


async def steps(work: Work) -> Any:
    """``in …``: a step inside; ``out …``: one outside that may be repeated; ``once …``: one that may not."""
    for name in work.params["steps"]:
        how = name.partition(" ")[0]
        if how == "in":
            await work.step(name, partial(_note, work=work, name=name), counts=1)
        else:
            tell = partial(_tell, work=work, name=name)
            await work.outside(name, tell, counts=1, repeatable=how == "out")
    return {"steps": len(work.params["steps"])}


async def kills(work: Work) -> Any:
    await work.outside("out 1", partial(_tell, work=work, name="out 1"), counts=1)
    os.kill(os.getpid(), signal.SIGKILL)


async def blocks(work: Work) -> Any:
    await work.outside("out 1", partial(_tell, work=work, name="out 1"), counts=1)
    time.sleep(3600)  # the event loop stands still


async def never_ends(work: Work) -> Any:
    await work.outside("forever", lambda stable_id: asyncio.sleep(3600))


task("tests.steps", most_attempts=1000)(steps)
task("tests.files", queue="files", most_attempts=1000)(steps)
task("tests.kills", most_attempts=3)(kills)
task("tests.blocks", most_attempts=2)(blocks)
task("tests.never_ends", most_attempts=2, longest_s=0.3)(never_ends)

# The API: one route more, by which a client asks for such tasks.

router = area_router(prefix="/api/v1/tests", tags=["tests"], route_class=RepeatableRoute)


class Asked(BaseModel):
    kind: str = "tests.steps"
    params: dict[str, Any]
    count: int = 1


@router.post("/tasks", dependencies=[Depends(Needs("self:write"))], name="tests.tasks")
async def ask(asked: Asked, db: TenantDb) -> Response:
    """So many tasks, in the request's own transaction."""
    rows = [await enqueue(db, asked.kind, asked.params, title="A test") for _ in range(asked.count)]
    return raw(success({"ids": [row["id"] for row in rows if row]}, {}))


def create_app() -> Any:
    service.ROUTERS = (*service.ROUTERS, router)
    return service.create_app()


# The worker: the real one, killed at a statement if somebody wishes it.

IN_A_RUN = ContextVar("in_a_run", default=False)


def live(environment: dict[str, str], log: Path) -> None:
    """A life of a worker process, from its start to its end."""
    die_with_parent()
    os.setsid()
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    for name in filter(None, environment.get("PATCH", "").split(";")):
        _patch(*name.split("=", 1))
    if "DIE_AT" in environment:
        number, _, when = environment["DIE_AT"].partition(" ")
        _die_at(int(number), when)
    worker.run(Settings())


def _patch(name: str, value: str) -> None:
    """Something of the program is different in this life: ``module:NAME=JSON``."""
    module, _, attribute = name.partition(":")
    assert hasattr(import_module(module), attribute), name
    setattr(import_module(module), attribute, json.loads(value))


def _die_at(number: int, when: str) -> None:
    """Before or after the n-th statement that carrying out tasks sends to the database."""
    count = 0
    run = Runner.run

    async def counted_run(self: Runner, *asked: Any) -> None:
        IN_A_RUN.set(True)
        await run(self, *asked)

    def counted(send: Any) -> Any:
        async def counting(self: Any, *asked: Any, **how: Any) -> Any:
            nonlocal count
            is_it = False
            if IN_A_RUN.get():
                count += 1
                is_it = count == number
            if is_it and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = await send(self, *asked, **how)
            if is_it:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return counting

    Runner.run = counted_run  # type: ignore[method-assign]
    for name in ("execute", "fetch", "fetchrow"):
        setattr(asyncpg.Connection, name, counted(getattr(asyncpg.Connection, name)))
