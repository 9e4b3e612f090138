"""The applications that calls are measured on: the limit, a guarded call through ORM sessions, ours with 700 routes."""

import os
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

COLUMNS = (
    "id, external_id, registration, make, model, model_year, kind, fuel, status, acquired_date, acquisition_cost_cents,"
    " currency, odometer_km, zone_id, attributes, failure_score, failure_reasons, failure_scored_at, created_at,"
    " updated_at"
)
WRITTEN = (
    "registration, make, model, model_year, kind, fuel, acquired_date, acquisition_cost_cents, currency,"
    " odometer_km"
)


def limit() -> Any:
    """Starlette, asyncpg's own pool and orjson, without log-in, tenants, events or any other manner of ours."""
    import asyncpg
    import orjson
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    def answer(data: Any, status: int = 200) -> Response:
        return Response(orjson.dumps({"data": data}, default=str), status, media_type="application/json")

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        app.state.pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=10, max_size=10)
        yield
        await app.state.pool.close()

    async def ready(request: Request) -> Response:
        return answer({})

    async def get(request: Request) -> Response:
        async with request.app.state.pool.acquire() as connection:
            row = await connection.fetchrow(
                f"select {COLUMNS} from vehicles where id = $1", request.path_params["id"]
            )
        return answer(dict(row))

    async def listed(request: Request) -> Response:
        async with request.app.state.pool.acquire() as connection:
            rows = await connection.fetch(
                f"select {COLUMNS} from vehicles where tenant_id = $1 order by created_at desc, id desc limit 50",
                UUID(os.environ["BENCH_TENANT"]),
            )
        return answer([dict(row) for row in rows])

    async def create(request: Request) -> Response:
        body = orjson.loads(await request.body())
        body["acquired_date"] = date.fromisoformat(body["acquired_date"])
        values = [body[name.strip()] for name in WRITTEN.split(",")]
        places = ", ".join(f"${n}" for n in range(2, len(values) + 2))
        async with request.app.state.pool.acquire() as connection:
            row = await connection.fetchrow(
                f"insert into plain_vehicles (tenant_id, {WRITTEN}) values ($1, {places}) returning {COLUMNS}",
                UUID(os.environ["BENCH_TENANT"]),
                *values,
            )
        return answer(dict(row), 201)

    routes = [
        Route("/health/live", ready),
        Route("/api/v1/vehicles/{id}", get),
        Route("/api/v1/vehicles", listed, methods=["GET"]),
        Route("/api/v1/vehicles", create, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def orm() -> Any:
    """The guarded GET as it is usually written: FastAPI, a session, a mapped class, a response model."""
    from fastapi import Depends, FastAPI, HTTPException
    from pydantic import BaseModel, ConfigDict
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
    from sqlalchemy.orm import registry

    from serve.fleet.vehicles.endpoints import vehicles
    from serve.kernel.caller import Caller, Needs
    from serve.kernel.envelope import Meta, Success
    from serve.kernel.tokens import Tokens
    from serve.settings import Settings
    from warehouse.settings import Home

    class Vehicle:
        pass

    registry().map_imperatively(Vehicle, vehicles.table)
    url = os.environ["BENCH_API_DATABASE"].replace("postgresql://", "postgresql+asyncpg://")
    make = async_sessionmaker(create_async_engine(url, pool_size=10), expire_on_commit=False)
    app = FastAPI()
    app.state.tokens = Tokens(Home(Settings().throughline_home).secret("access_token_key"), life_s=600)

    class Read(vehicles.read_model):  # type: ignore[name-defined, misc]
        model_config = ConfigDict(from_attributes=True, extra="ignore")

    assert issubclass(Read, BaseModel)

    needs = Depends(Needs("vehicles:read"))

    async def session(caller: Caller = needs) -> Any:
        async with make() as work, work.begin():
            tenant = str(caller.tenant_id)
            await work.execute(
                text(
                    "select set_config('app.tenant_id', :one, true), set_config('app.tenant_ids', :one, true)"
                ),
                {"one": tenant},
            )
            yield work

    opened = Depends(session)

    @app.get("/health/live")
    async def ready() -> dict[str, str]:
        return {}

    @app.get("/api/v1/vehicles/{id}", response_model=Success[Read, Meta])
    async def get(id: UUID, db: AsyncSession = opened) -> Any:
        row = await db.get(Vehicle, id)
        if row is None:
            raise HTTPException(404)
        return {"data": row, "meta": {}}

    return app


def ours() -> Any:
    """The service with everything on, and 600 generated routes more beside its own."""
    from serve import app as application
    from serve.fleet.vehicles.models import vehicles as table
    from serve.fleet.vehicles.rules import check_vehicle
    from serve.fleet.vehicles.schemas import VehicleFields, VehicleRead
    from serve.kernel.resources import Resource

    more = [
        Resource(
            table, fields=VehicleFields, read=VehicleRead, rule=check_vehicle, path=f"/api/v1/more-{n:02d}"
        )
        for n in range(int(os.environ.get("BENCH_RESOURCES", "0")))
    ]
    application.ROUTERS = (*application.ROUTERS, *(resource.router() for resource in more))
    return application.create_app()
