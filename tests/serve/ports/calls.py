"""What is promised of every port, as plain functions.

They raise AssertionError, and the sabotage tests call them with a guard taken away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from serve.kernel.errors import Problem
from serve.ports.breaker import FAILURES, PAUSE_S, Breakers
from serve.ports.out import Door
from serve.ports.way import Way, Ways, WaySettings, secret
from tests.serve.ports.internet import Answering, Internet, internet, say

TENANT = UUID(int=1)
SECRET = "t0p-s3cret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(WaySettings):
    api_key: str = secret()
    region: str | None = None


class Service(Way[Settings]):
    name, kind = "The test service", Settings
    within_s, most_bytes = 0.5, 1000
    pause_s = 0.001

    def headers(self) -> dict[str, str]:
        return {"X-Api-Key": self.settings.api_key}


class Thing(BaseModel):
    number: str


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def stored(base_url: str | None = "http://public.example/v1", **secrets: str) -> Any:
    return SimpleNamespace(
        category=SimpleNamespace(name="tests"),
        values=SimpleNamespace(base_url=base_url, region=None),
        secrets={"api_key": SECRET} | secrets,
    )


@dataclass
class Outside:
    world: Internet
    ways: Ways
    clock: Clock

    def to(self, tenant: UUID = TENANT, base_url: str = "http://public.example/v1") -> Service:
        return self.ways.to(Service, tenant, stored(base_url))


@asynccontextmanager
async def outside(*answers: Answering) -> AsyncIterator[Outside]:
    async with internet() as world:
        world.answers = list(answers)
        clock = Clock()
        ways = Ways(
            Door(ports={80, world.canary_port}, look_up=world.look_up, network=world), Breakers(clock)
        )
        yield Outside(world, ways, clock)
        await ways.close()


def status(code: int, body: bytes = b"{}", **headers: str) -> Answering:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]

    async def answer(request: object, writer: asyncio.StreamWriter) -> None:
        await say(writer, code, body, named)

    return answer


async def hang_up(request: object, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silence(request: object, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def problem_of(call: Any) -> Problem:
    try:
        await call
    except Problem as problem:
        return problem
    raise AssertionError("it did not fail")


async def what_may_have_happened_is_not_repeated() -> None:
    """A POST without a key whose answer is lost, or is a failure: asked once."""
    for answer in (hang_up, silence, status(500), status(503), status(504)):
        async with outside(answer) as out:
            await problem_of(out.to().call("POST", "/payments", json={"amount_cents": 1}))
            assert len(out.world.requests) == 1, f"asked {len(out.world.requests)} times"


async def a_failing_service_is_left_alone() -> None:
    """After so many failures nobody asks for a while; then one does, and if it is well again everybody."""
    async with outside(*[status(500)] * FAILURES) as out:
        for _ in range(FAILURES):
            await problem_of(out.to().call("POST", "/"))
        for _ in range(3):
            assert (await problem_of(out.to().call("GET", "/"))).headers["Retry-After"] == str(round(PAUSE_S))
        assert len(out.world.requests) == FAILURES
        await out.to(UUID(int=2)).call("GET", "/")  # another tenant's settings may be right
        out.clock.now_s += PAUSE_S
        await out.to().call("GET", "/")
        await out.to().call("GET", "/")


async def no_secret_is_said(caplog: Any) -> None:
    """Not in a refusal, a log line, nor in what a programmer prints."""
    async with outside(
        status(401, f"bad key {SECRET}".encode()), status(500, SECRET.encode()), hang_up, status(200, b"[")
    ) as out:
        service = out.to()
        said = [repr(service.settings), str(service.settings)]
        for call in ("GET", "POST", "POST", "POST"):
            problem = await problem_of(service.ask(Thing, call, f"/?key={SECRET}"))
            said += [problem.detail, str(problem.details), str(problem.headers), repr(problem.__cause__)]
    said.append(caplog.text)
    assert SECRET not in " ".join(said), [each for each in said if SECRET in each]
